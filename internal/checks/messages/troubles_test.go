package messages_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// troubles are what may hit the calls of a process. Each prepares the trouble
// and returns the ctx of the call.
var troubles = map[string]func(w *testworld.World, p *testworld.Process) context.Context{
	"closed": func(w *testworld.World, p *testworld.Process) context.Context {
		require.NoError(w, p.Close())
		return w.Context()
	},
	"cancelled": func(*testworld.World, *testworld.Process) context.Context { return testworld.Cancelled() },
	"cancelled for a reason": func(w *testworld.World, p *testworld.Process) context.Context {
		ctx, cancel := context.WithCancelCause(w.Context())
		cancel(errors.New("the program stops"))
		return ctx
	},
	"no right": func(w *testworld.World, p *testworld.Process) context.Context {
		each(w, func(int) zktest.Action { return zktest.Fail(zktest.CodeNoAuth) })
		return w.Within(time.Minute)
	},
	"an odd code": func(w *testworld.World, p *testworld.Process) context.Context {
		each(w, func(int) zktest.Action { return zktest.Fail(-125) })
		return w.Within(time.Minute)
	},
	"no answer": func(w *testworld.World, p *testworld.Process) context.Context {
		w.Srv.Freeze()
		return w.Within(time.Second)
	},
	"cut off": func(w *testworld.World, p *testworld.Process) context.Context {
		p.Link.Cut(zktest.Both)
		return w.Within(time.Hour)
	},
	"nothing listens": func(w *testworld.World, p *testworld.Process) context.Context {
		p.Link.Refuse(true)
		p.Link.Disconnect()
		return w.Within(time.Minute)
	},
	"no quorum": func(w *testworld.World, p *testworld.Process) context.Context {
		w.Srv.LoseQuorum(true)
		return w.Within(time.Minute)
	},
}

// atRequest are troubles that hit one request of a call.
var atRequest = map[string]func(w *testworld.World, id int64) zktest.Action{
	"the answer is lost":    func(*testworld.World, int64) zktest.Action { return zktest.LoseReply },
	"the request is lost":   func(*testworld.World, int64) zktest.Action { return zktest.DropRequest },
	"the znode has changed": func(*testworld.World, int64) zktest.Action { return zktest.Fail(zktest.CodeBadVersion) },
	"the session expires": func(w *testworld.World, id int64) zktest.Action {
		time.AfterFunc(time.Second/2, func() { w.Srv.Expire(id) })
		return zktest.Delay(time.Second)
	},
}

// requests is how many requests of a call meet the troubles of atRequest, each in
// a call of its own.
const requests = 5

// each applies an action to every request of a user. The requests have numbers,
// from 1.
func each(w *testworld.World, action func(n int) zktest.Action) {
	n := 0 // interceptors are called one at a time
	w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpConnect || r.Op == zktest.OpPing || r.Op == zktest.OpCloseSession {
			return zktest.Pass
		}
		n++
		return action(n)
	})
}

// No message of a verb says three words in a row, or a path, an address or a
// session twice.
func TestNoMessageSaysAThingTwice(t *testing.T) {
	all := maps.Clone(troubles)
	for trouble, do := range atRequest {
		for at := range requests {
			all[fmt.Sprintf("%s: request %d", trouble, at+1)] = func(w *testworld.World, p *testworld.Process) context.Context {
				id := p.Current().ID()
				each(w, func(n int) zktest.Action {
					if n == at+1 {
						return do(w, id)
					}
					return zktest.Pass
				})
				return w.Within(time.Minute)
			}
		}
	}
	met := 0
	for _, trouble := range slices.Sorted(maps.Keys(all)) {
		for _, name := range slices.Sorted(maps.Keys(verbs)) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				ctx, cancel := context.WithTimeout(all[trouble](w, p), 2*time.Hour)
				defer cancel()
				err := verbs[name](ctx, p.Manager, "/recipes/a")
				if err == nil {
					return
				}
				met++
				t.Logf("%s, %s: %v", trouble, name, err)
				if twice := testworld.Repeats(err.Error()); twice != "" {
					t.Errorf("%s, %s: %q is said twice: %v", trouble, name, twice, err)
				}
			})
		}
	}
	require.Greater(t, met, len(verbs)*len(troubles)/2, "the verbs meet the troubles")
}

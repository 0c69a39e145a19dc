package messages_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// holder acquires something that a session holds, and returns calls that use and
// end it.
type holder func(ctx context.Context, sm *session.Manager, path string) ([]func() error, error)

var holders = map[string]holder{
	"lock.Hold": func(ctx context.Context, sm *session.Manager, p string) ([]func() error, error) {
		h, err := lock.NewMutex(sm, p).Lock(ctx)
		return []func() error{h.Err, h.Release}, err
	},
	"lock.WriteHold": func(ctx context.Context, sm *session.Manager, p string) ([]func() error, error) {
		h, err := lock.NewRWMutex(sm, p).Lock(ctx)
		return []func() error{func() error { return of(h.Downgrade(ctx)) }, h.Release}, err
	},
	"lock.Hold with Handoff": func(ctx context.Context, sm *session.Manager, p string) ([]func() error, error) {
		h, err := lock.NewMutex(sm, p, lock.Handoff(2)).Lock(ctx)
		return []func() error{h.Release}, err
	},
	"lock.Hold of OneNode": func(ctx context.Context, sm *session.Manager, p string) ([]func() error, error) {
		h, err := lock.NewOneNode(sm, p).Lock(ctx)
		return []func() error{h.Release}, err
	},
	"lock.MultiHold": func(ctx context.Context, sm *session.Manager, p string) ([]func() error, error) {
		h, err := lock.NewMulti(lock.NewMutex(sm, p+"/a"), lock.NewMutex(sm, p+"/b")).Lock(ctx)
		return []func() error{h.Err, h.Release}, err
	},
	"lock.Permit": func(ctx context.Context, sm *session.Manager, p string) ([]func() error, error) {
		h, err := lock.NewSemaphore(sm, p, lock.Permits(2)).Acquire(ctx, 2)
		return []func() error{h.Release}, err
	},
	"lock.Run": func(ctx context.Context, sm *session.Manager, p string) ([]func() error, error) {
		r, err := lock.NewOnce(sm, p, time.Hour).Start(ctx)
		return []func() error{func() error { return r.End(nil) }, r.Release}, err
	},
	"election.Term": func(ctx context.Context, sm *session.Manager, p string) ([]func() error, error) {
		t, err := election.New(sm, p, election.Layout(election.OneNode)).Campaign(ctx)
		return []func() error{func() error { return t.UpdatePayload(ctx, nil) }, t.Resign}, err
	},
	"barrier.Visit": func(ctx context.Context, sm *session.Manager, p string) ([]func() error, error) {
		v, err := barrier.NewDouble(sm, p, 1).Enter(ctx)
		return []func() error{func() error { return v.Leave(ctx) }, v.Release}, err
	},
	"naming.WorkerID": func(ctx context.Context, sm *session.Manager, p string) ([]func() error, error) {
		id, err := naming.NewWorkers(sm, p, 2).Acquire(ctx, "a")
		return []func() error{id.Err, id.Release}, err
	},
	"naming.Registration": func(ctx context.Context, sm *session.Manager, p string) ([]func() error, error) {
		g, err := naming.NewRegistry(sm, naming.Base(p)).Register(ctx, naming.Instance{Service: "s", ID: "i", Address: "h", Port: 1})
		return []func() error{
			func() error { return g.State().Err },
			func() error { return g.Drain(ctx) }, func() error { return g.Undrain(ctx) }, func() error { return g.Unregister(ctx) },
			func() error { return g.Drain(ctx) },
		}, err
	},
	"groupmembership.Membership": func(ctx context.Context, sm *session.Manager, p string) ([]func() error, error) {
		m, err := groupmembership.NewGroup(sm, p).Join(ctx, "a", nil)
		return []func() error{
			func() error { return m.State().Err },
			func() error { return m.UpdatePayload(ctx, nil) }, func() error { return m.Leave(ctx) },
			func() error { return m.UpdatePayload(ctx, nil) },
		}, err
	},
	"queue.Item.Ack": func(ctx context.Context, sm *session.Manager, p string) ([]func() error, error) {
		item, err := take(ctx, sm, p)
		return []func() error{item.Err, func() error { return of(item.Guard(ctx)) }, item.Ack}, err
	},
	"queue.Item.Release": func(ctx context.Context, sm *session.Manager, p string) ([]func() error, error) {
		item, err := take(ctx, sm, p)
		return []func() error{func() error { return item.Release(queue.After(time.Hour)) }, item.Ack}, err
	},
	"queue.Item.Reject": func(ctx context.Context, sm *session.Manager, p string) ([]func() error, error) {
		item, err := take(ctx, sm, p)
		return []func() error{func() error { return item.Reject("bad") }, item.Ack}, err
	},
	"config.Value": func(ctx context.Context, sm *session.Manager, p string) ([]func() error, error) {
		v, err := config.Open(ctx, sm, p, config.JSON[int](), config.Default(1))
		same := func(n int) (int, error) { return n + 1, nil }
		return []func() error{v.Err, func() error { return of(v.Update(ctx, same)) }, v.Close, v.Err}, err
	},
	"naming.Service": func(ctx context.Context, sm *session.Manager, p string) ([]func() error, error) {
		s, err := naming.NewRegistry(sm, naming.Base(p)).Open(ctx, "s")
		return []func() error{func() error { return s.View().Err }, s.Close}, err
	},
}

func take(ctx context.Context, sm *session.Manager, path string) (*queue.Item, error) {
	q := queue.New(sm, path)
	if _, err := q.Put(ctx, []byte("a")); err != nil {
		return nil, err
	}
	return q.Take(ctx)
}

// refusals are holders with several znodes: an error has a refusal for each.
var refusals = map[string]bool{"lock.MultiHold": true, "lock.Permit": true, "lock.Run": true}

// losses are what may end what a session holds.
var losses = map[string]func(w *testworld.World, p *testworld.Process){
	"nothing": func(*testworld.World, *testworld.Process) {},
	"closed":  func(w *testworld.World, p *testworld.Process) { require.NoError(w, p.Close()) },
	"expired": func(_ *testworld.World, p *testworld.Process) { p.Expire() },
	"cut off": func(w *testworld.World, p *testworld.Process) {
		p.Link.Cut(zktest.Both)
		time.Sleep(time.Minute)
	},
	"frozen": func(w *testworld.World, p *testworld.Process) { w.Srv.Freeze() },
	"deleted": func(w *testworld.World, p *testworld.Process) {
		time.Sleep(time.Second) // the znode is watched
		for _, path := range slices.Backward(w.Srv.Paths()) {
			if n, ok := w.Srv.Node(path); ok && n.Stat.EphemeralOwner != 0 {
				require.NoError(w, w.Srv.Remove(path))
			}
		}
		time.Sleep(time.Millisecond)
	},
	"no right": func(w *testworld.World, _ *testworld.Process) {
		each(w, func(int) zktest.Action { return zktest.Fail(zktest.CodeNoAuth) })
	},
	"bad value": func(w *testworld.World, _ *testworld.Process) {
		w.Put("/recipes/a", "bad")
		time.Sleep(time.Second)
	},
}

// No message of what ends a hold says a thing twice.
func TestNoMessageOfAnEndSaysAThingTwice(t *testing.T) {
	met := 0
	for _, loss := range slices.Sorted(maps.Keys(losses)) {
		for _, name := range slices.Sorted(maps.Keys(holders)) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				uses, err := holders[name](w.Within(30*time.Minute), p.Manager, "/recipes/a")
				require.NoError(w, err)
				losses[loss](w, p)
				for _, use := range uses {
					if err := use(); err != nil {
						met++
						t.Logf("%s, %s: %v", loss, name, err)
						if refusals[name] && loss == "no right" {
							continue // a refusal of each of two requests
						}
						if twice := testworld.Repeats(err.Error()); twice != "" {
							t.Errorf("%s, %s: %q is said twice: %v", loss, name, twice, err)
						}
					}
				}
			})
		}
	}
	require.Greater(t, met, len(holders)*len(losses)/2, "the losses are met")
}

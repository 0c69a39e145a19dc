package queue_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// One fault strikes at each request of a consumer in turn, among items that
// fail, are malformed, may not be read, are due later, or are given back. Every
// item comes, and does not come again after its acknowledgement. Attempts keep
// their count, and no claim is left over.
func TestConsumeWithAFaultAtEachPoint(t *testing.T) {
	step := testworld.Sized(7, 1)
	for name, strike := range pointFaults {
		t.Run(name, func(t *testing.T) {
			for k, more := 0, true; more && !t.Failed(); k += step {
				run(t, func(w world) {
					p := &pointFault{world: w, k: k, strike: strike, ends: name == "the session ends" || name == "the session ends in doubt"}
					more = p.run()
				})
				if t.Failed() {
					t.Logf("at request %d", k)
				}
			}
		})
	}
}

// pointFaults do something as a request arrives.
var pointFaults = map[string]func(p *pointFault) zktest.Action{
	"the answer is lost":  func(*pointFault) zktest.Action { return zktest.LoseReply },
	"the request is lost": func(*pointFault) zktest.Action { return zktest.DropRequest },
	"the session ends": func(p *pointFault) zktest.Action {
		p.soon(func() { p.Srv.Expire(p.me) })
		return zktest.Delay(2 * time.Millisecond)
	},
	"the session ends in doubt": func(p *pointFault) zktest.Action {
		p.soon(func() { p.Srv.Expire(p.me) })
		return zktest.LoseReply
	},
	"the server lags": func(p *pointFault) zktest.Action {
		p.soon(func() { p.Srv.Lag(p.me) })
		time.AfterFunc(2*time.Second, func() { p.Srv.CatchUp(p.me) })
		return zktest.Pass
	},
	"the server restarts": func(p *pointFault) zktest.Action {
		p.soon(p.Srv.Restart)
		return zktest.Pass
	},
	"the directories go": func(p *pointFault) zktest.Action {
		for _, dir := range []string{"/claims", "/dead"} {
			if info, found := p.Srv.Node(path + dir); found && len(info.Children) == 0 {
				p.Remove(path + dir)
			}
		}
		return zktest.Pass
	},
}

// pointFault is one run, with a fault at the request k of the session me.
type pointFault struct {
	world
	k      int
	strike func(*pointFault) zktest.Action
	ends   bool // the fault ends the session
	me     int64

	hidden       atomic.Bool
	struck       atomic.Bool
	count        map[string]int // how often an item was delivered
	acked, maybe map[string]bool
}

func (p *pointFault) soon(f func()) { time.AfterFunc(time.Millisecond, f) }

// run reports whether the fault has struck.
func (p *pointFault) run() bool {
	u, other := p.user(queue.MaxAttempts(2)), p.user()
	data := append(other.putMany(10), "late", "urgent")
	other.put("late", queue.Delay(3*time.Second))
	other.put("urgent", queue.Priority(-3))
	p.Put(path+"/items/queue-0000000100", "malformed")
	p.count, p.acked, p.maybe = make(map[string]int), make(map[string]bool), make(map[string]bool)
	p.hidden.Store(true)
	p.me = u.p.Current().ID()
	n := 0
	p.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if p.hidden.Load() && r.Op == zktest.OpGetData && r.Path == path+"/items/queue-0000000004" {
			return zktest.Fail(zktest.CodeNoAuth)
		}
		if p.struck.Load() || r.Session != p.me || r.Op == zktest.OpPing || r.Op == zktest.OpCloseSession {
			return zktest.Pass
		}
		if n++; n <= p.k {
			return zktest.Pass
		}
		p.struck.Store(true)
		return p.strike(p)
	})
	c := u.consume(p.work, queue.Prefetch(4), queue.Backoff(time.Millisecond, time.Second))
	time.Sleep(10 * time.Second)
	p.hidden.Store(false)
	p.Eventually(func() bool { return len(p.Children(path+"/items")) == 0 }, "all is consumed")
	c.stop()
	require.ErrorIs(p, <-c.done, context.Canceled)
	synctest.Wait()
	require.Empty(p, p.Children(path+"/claims"))
	dead := make(map[string]bool)
	for _, l := range u.letters() {
		dead[string(l.Data)] = true
	}
	require.True(p, dead["malformed"])
	for _, d := range data {
		require.True(p, p.acked[d] || p.maybe[d] || dead[d], "%s is lost", d)
		require.Positive(p, p.count[d], "%s was never delivered", d)
		require.True(p, dead[d] == (d == "3") || p.ends, d)
	}
	return p.struck.Load()
}

func (p *pointFault) work(_ context.Context, item *queue.Item) error {
	d := string(item.Data)
	require.False(p, p.acked[d], "%s comes again after its acknowledgement", d)
	p.count[d]++
	attempts := p.count[d]
	if d == "6" && attempts > 1 {
		attempts-- // the first did not count
	}
	if !p.ends {
		require.Equal(p, attempts, item.Attempt, d)
	}
	switch {
	case d == "3", d == "5" && item.Attempt == 1:
		return fmt.Errorf("%s: %w", d, errWork)
	case d == "6" && p.count[d] == 1:
		return item.Release(queue.WithoutAttempt())
	}
	time.Sleep(10 * time.Millisecond)
	err := item.Ack()
	switch {
	case err == nil:
		p.acked[d] = true
	case errors.Is(err, session.ErrUnknownOutcome):
		p.maybe[d] = true
	default:
		require.ErrorIs(p, err, session.ErrLost)
	}
	return nil
}

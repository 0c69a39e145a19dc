package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/sessiontest"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const recordPath = "/scheduler/record"

// diary records the runs of all replicas.
type diary struct {
	w       *sessiontest.World
	mu      sync.Mutex
	running int
	runs    []string // the replica of each run
	slots   []time.Time
	written []record // what the store has had, in order
}

func newDiary(w *sessiontest.World) *diary {
	d := &diary{w: w}
	w.Cleanup(w.Server.OnChange(func(c zktest.Change) {
		if c.Path != recordPath {
			return
		}
		var r record
		if err := json.Unmarshal(c.Data, &r); err != nil {
			w.Errorf("the store has %q: %v", c.Data, err)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.written = append(d.written, r)
	}))
	return d
}

// job takes three seconds, and must be alone.
func (d *diary) job(id string) func(context.Context, time.Time) error {
	return func(ctx context.Context, slot time.Time) error {
		d.mu.Lock()
		d.running++
		running := d.running
		d.runs, d.slots = append(d.runs, id), append(d.slots, slot)
		d.mu.Unlock()
		if running > 1 {
			d.w.Errorf("%d jobs run at once at slot %v", running, slot)
		}
		defer func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.running--
		}()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(3 * time.Second):
			return nil
		}
	}
}

func (d *diary) count() int { return len(d.who()) }

// who and when return, for each run, its replica and its slot.
func (d *diary) who() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.runs)
}

func (d *diary) when() []time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.slots)
}

// replica is a replica's process.
type replica struct {
	*sessiontest.Process
	call *sessiontest.Call
}

func startReplica(d *diary, id string, store Store) *replica {
	r := &replica{Process: d.w.Process()}
	if store == nil {
		store = openTestStore(d.w, r.Process)
	}
	s := &scheduler{id: id, every: 10 * time.Second, store: store, log: slog.New(slog.DiscardHandler), job: d.job(id)}
	r.call = d.w.Go(func(ctx context.Context) error { return s.run(ctx, r.Manager) })
	return r
}

func openTestStore(w *sessiontest.World, p *sessiontest.Process) nodeStore {
	store, err := openStore(w.Context(), p.Manager, recordPath)
	require.NoError(w, err)
	w.Cleanup(func() { require.NoError(w, store.Close()) })
	return store
}

// check compares the store's record with the promises: tokens never go back,
// and no slot is claimed twice.
func (d *diary) check() {
	var last record
	d.mu.Lock()
	written := slices.Clone(d.written)
	d.mu.Unlock()
	for _, r := range written {
		require.GreaterOrEqual(d.w, r.Token, last.Token, "a stale token was written")
		if r.Token == last.Token {
			require.True(d.w, r.Slot.After(last.Slot), "slot %v was claimed twice", r.Slot)
		} else {
			require.True(d.w, r.Slot.Equal(last.Slot), "a new leader writes its token before it claims")
		}
		last = r
	}
	slots := d.when()
	for i, slot := range slots[1:] {
		require.True(d.w, slot.After(slots[i]), "slot %v was run twice", slot)
	}
}

// The leader is killed. Another replica continues when its session has expired.
func TestAnotherReplicaGoesOn(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		d := newDiary(w)
		a := startReplica(d, "a", nil)
		startReplica(d, "b", nil)
		startReplica(d, "c", nil)
		w.Eventually(func() bool { return d.count() == 3 }, "a runs the first slots")
		a.Kill()
		w.Eventually(func() bool { return d.count() == 6 }, "b continues")
		require.Equal(t, []string{"a", "a", "a", "b", "b", "b"}, d.who())
		require.Equal(t, 10*time.Second, d.when()[3].Sub(d.when()[2]), "b runs the slot that had no leader")
		d.check()
	})
}

// A leader that has to stop hands over at once, and no slot is missed.
func TestAnOrderlyStopMissesNothing(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		d := newDiary(w)
		a := startReplica(d, "a", nil)
		startReplica(d, "b", nil)
		w.Eventually(func() bool { return d.count() == 2 }, "a runs the first slots")
		time.Sleep(5 * time.Second)
		err := a.call.Cancel()
		require.NoError(t, err)
		w.Eventually(func() bool { return d.count() == 4 }, "b continues")
		require.Equal(t, []string{"a", "a", "b", "b"}, d.who())
		slots := d.when()
		for i, slot := range slots[1:] {
			require.Equal(t, 10*time.Second, slot.Sub(slots[i]))
		}
		d.check()
	})
}

// A leader is cut off and comes back. It is queued after the new leader.
func TestALeaderThatWasCutOffComesBack(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		d := newDiary(w)
		a := startReplica(d, "a", nil)
		b := startReplica(d, "b", nil)
		w.Eventually(func() bool { return d.count() == 2 }, "a leads")
		a.Link.Cut(zktest.ToServer)
		w.Eventually(func() bool { return d.count() == 4 }, "b leads")
		a.Link.Heal()
		time.Sleep(65 * time.Second) // not at the instant of a slot
		b.Expire()
		n := d.count()
		w.Eventually(func() bool { return d.count() == n+1 }, "a leads again")
		require.Equal(t, "a", d.who()[n])
		d.check()
	})
}

// pausing is a Store whose next Claim is paused, as in a stopped process. The
// claim then goes through although its leader's context has ended.
type pausing struct {
	Store
	next chan chan struct{}
	err  chan error
}

func (p *pausing) Claim(ctx context.Context, token int64, slot time.Time) error {
	select {
	case wake := <-p.next:
		<-wake
		err := p.Store.Claim(context.WithoutCancel(ctx), token, slot)
		p.err <- err
		return err
	default:
		return p.Store.Claim(ctx, token, slot)
	}
}

// A leader is paused during a claim, and continues while another one leads. The
// store refuses the claim, even before the new leader has claimed a slot.
func TestAStaleTokenIsRefused(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		d := newDiary(w)
		store := openTestStore(w, w.Process()) // a reaches it even without its session
		slow := &pausing{Store: store, next: make(chan chan struct{}, 1), err: make(chan error, 1)}
		a := startReplica(d, "a", slow)
		startReplica(d, "b", nil)
		w.Eventually(func() bool { return d.count() == 2 }, "a leads")
		before := w.Data(recordPath)

		wake := make(chan struct{})
		slow.next <- wake
		w.Eventually(func() bool { return len(slow.next) == 0 }, "a is paused")
		a.Expire()
		w.Eventually(func() bool { return w.Data(recordPath) != before }, "b has fenced the store")
		close(wake)
		require.ErrorIs(t, <-slow.err, ErrStale)
		w.Eventually(func() bool { return d.count() == 4 }, "b continues")
		require.Equal(t, []string{"a", "a", "b", "b"}, d.who())
		d.check()
	})
}

// A leader that cannot write resigns, and another replica leads.
func TestALeaderWithoutItsStoreMakesWay(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		d := newDiary(w)
		startReplica(d, "a", broken{})
		startReplica(d, "b", nil)
		w.Eventually(func() bool { return d.count() == 3 }, "b runs")
		require.Equal(t, []string{"b", "b", "b"}, d.who())
		d.check()
	})
}

type broken struct{}

func (broken) Fence(context.Context, int64) (time.Time, error) {
	return time.Time{}, errors.New("the disk is full")
}
func (broken) Claim(context.Context, int64, time.Time) error { return errors.New("the disk is full") }

// The answer to a claim is lost: the slot is claimed and run once.
func TestALostAnswerClaimsOnce(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		d := newDiary(w)
		startReplica(d, "a", nil)
		startReplica(d, "b", nil)
		w.Eventually(func() bool { return d.count() == 1 }, "a leads")
		lost := false
		w.Server.Intercept(func(r zktest.Request) zktest.Action {
			if lost || r.Op != zktest.OpSetData || r.Path != recordPath {
				return zktest.Pass
			}
			lost = true
			return zktest.LoseReply
		})
		w.Eventually(func() bool { return d.count() == 4 }, "a continues")
		d.check()
	})
}

func TestRunReportsWhatEndsIt(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		a := startReplica(newDiary(w), "a", nil)
		require.NoError(t, a.Close())
		err := a.call.Wait()
		require.ErrorIs(t, err, session.ErrClosed)
	})
}

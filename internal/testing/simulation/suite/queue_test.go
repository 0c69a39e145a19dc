package suite_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// produce puts items, one by one or in batches, until ctx ends.
func (b *book) produce(ctx context.Context, a *simulation.Actor, q *queue.Queue) {
	for n := 0; a.Going() && ctx.Err() == nil; {
		items := make([]queue.Msg, 1)
		if a.One(3) {
			items = make([]queue.Msg, 1+a.N(4))
		}
		for i := range items {
			items[i] = b.item(a, n)
			n++
		}
		within, cancel := a.Within(10 * time.Second)
		var err error
		var ids []queue.ID
		if len(items) == 1 {
			if _, err = q.Put(within, items[0].Data, items[0].Opts...); err == nil {
				ids = make([]queue.ID, 1)
			}
		} else {
			ids, err = q.PutBatch(within, items...)
		}
		fine(a, within, "put", err, session.ErrUnknownOutcome)
		cancel()
		b.mu.Lock()
		for i := range ids {
			b.put[string(items[i].Data)] = true
		}
		b.mu.Unlock()
		a.Sleep(ctx, 3*time.Second)
	}
}

// item makes the nth item of an actor, perhaps with a priority or a delay.
func (b *book) item(a *simulation.Actor, n int) queue.Msg {
	data := fmt.Sprint(a.Name, n)
	b.mu.Lock()
	b.put[data] = false
	b.mu.Unlock()
	m := queue.Msg{Data: []byte(data)}
	if a.One(3) {
		m.Opts = append(m.Opts, queue.Priority(a.N(5)-2))
	}
	if a.One(3) {
		m.Opts = append(m.Opts, queue.Delay(a.UpTo(5*time.Second)))
	}
	return m
}

func (b *book) consume(a *simulation.Actor, q *queue.Queue) {
	for a.Going() {
		ctx, cancel := a.Within(10 * time.Second)
		take := q.Take
		if a.One(4) {
			take = q.TryTake
		}
		i, err := take(ctx)
		if fine(a, ctx, "take", err, queue.ErrEmpty) {
			a.Log("takes %s", i.Data)
			b.took(i)
			a.Sleep(i.Context(), time.Second)
			a.Work()
			if a.One(3) {
				b.guard(a, i)
			}
			switch a.N(10) {
			case 0:
				err = i.Release()
			case 1:
				err = i.Release(queue.After(a.UpTo(3 * time.Second)))
			case 2:
				err = i.Release(queue.WithoutAttempt())
			case 3:
				err = i.Reject("by chance")
			default:
				err = b.ack(i)
			}
			let(a, "settle", err)
		}
		cancel()
	}
}

// reap removes the empty directories of a queue, as a server does with
// containers.
func reap(a *simulation.Actor) {
	for a.Going() {
		a.Sleep(a.Ctx, 10*time.Second)
		path := "/a/queue/" + []string{"items", "claims", "dead", "guards"}[a.N(4)]
		if node, found := a.World.Srv.Node(path); found && len(node.Children) == 0 {
			_ = a.World.Srv.Remove(path) // fails if the server has removed it
		}
	}
}

// queues puts items into a queue, and takes them one at a time.
func queues() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		const attempts = 8
		b := newBook(w, attempts)
		if err := w.Srv.Put(guardedBy, nil); err != nil {
			w.Errorf("make %s: %v", guardedBy, err)
		}
		w.Srv.OnChange(b.changed)
		limit := 20 + w.Dice("limit").N(500)
		for _, p := range w.Procs() {
			q := queue.New(p.Manager, "/a/queue", queue.Limit(limit), queue.MaxAttempts(attempts), queue.OnDead(b.died))
			w.Go(p, "producer", func(a *simulation.Actor) { b.produce(a.Ctx, a, q) })
			w.Go(p, "consumer", func(a *simulation.Actor) { b.consume(a, q) })
		}
		w.Go(w.Procs()[0], "reaper", reap)
		w.AtEnd(func() {
			b.settle(queue.New(w.Procs()[0].Manager, "/a/queue"))
			if b.guarded == 0 {
				w.Break("progress", "no guarded transaction was done")
			}
		})
	}, Keeps: []string{simulation.GuardedDir}, Watches: -1}
}

func TestQueueSimulation(t *testing.T)       { simulation.Run(t, seeds, queues()) }
func TestQueueForcedSimulation(t *testing.T) { simulation.Run(t, seeds, forced(queues())) }

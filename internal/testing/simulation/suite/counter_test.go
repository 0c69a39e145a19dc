package suite_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/session"
)

// counters adds to a number from all processes, reads it, and takes numbers
// from a sequence. The number contains all acknowledged additions, and
// otherwise only additions with an unknown outcome. No reader sees the number
// go back. No number of the sequence is given twice.
func counters() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		var (
			mu          sync.Mutex
			least, most int64
			adds        int
			given       = make(map[int64]bool)
		)
		for _, p := range w.Procs() {
			c := counter.New(p.Manager, "/a/counter")
			s := counter.NewSequence(p.Manager, "/a/sequence", counter.Block(1+int64(p.Index)))
			add := func(a *simulation.Actor) {
				for a.Going() {
					ctx, cancel := a.Within(20 * time.Second)
					n := int64(a.N(100)) + 1
					_, err := c.Add(ctx, n)
					mu.Lock()
					switch {
					case err == nil:
						adds++
						least += n
						most += n
					case errors.Is(err, session.ErrUnknownOutcome):
						most += n
					}
					mu.Unlock()
					fine(a, ctx, "add", err, session.ErrUnknownOutcome)
					cancel()
					a.Sleep(a.Ctx, time.Second)
				}
			}
			w.Go(p, "add", add)
			w.Go(p, "another add", add) // waits for the first
			w.Go(p, "next", func(a *simulation.Actor) {
				for a.Going() {
					ctx, cancel := a.Within(20 * time.Second)
					n, err := s.Next(ctx)
					if fine(a, ctx, "next", err) {
						mu.Lock()
						if given[n] {
							w.Break("given once", "the sequence gives %d twice", n)
						}
						given[n] = true
						mu.Unlock()
					}
					cancel()
					a.Sleep(a.Ctx, time.Second)
				}
				if err := s.Close(); err != nil {
					w.Break("errors", "close the sequence: %v", err)
				}
			})
			w.Go(p, "read", func(a *simulation.Actor) {
				last := counter.Value{}
				for v, err := range c.Changes(a.Ctx) {
					a.Step()
					if err != nil {
						w.Break("errors", "read: %v", err)
					} else if v.N < last.N {
						w.Break("nothing goes back", "the counter goes from %d to %d", last.N, v.N)
					}
					last = v
				}
			})
		}
		w.AtEnd(func() {
			v, err := counter.New(w.Procs()[0].Manager, "/a/counter").Get(context.Background())
			if err != nil || v.N < least || v.N > most {
				w.Break("sum", "the counter is %d, but must be between %d and %d (%v)", v.N, least, most, err)
			}
			if adds < 10 || len(given) < 5 {
				w.Break("progress", "%d additions, %d numbers given", adds, len(given))
			}
		})
	}, Forced: true, Keeps: []string{"/a/counter", "/a/sequence"}, Watches: -1}
}

func TestCounterSimulation(t *testing.T) { simulation.Run(t, seeds, counters()) }

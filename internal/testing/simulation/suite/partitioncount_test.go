package suite_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/session"
)

const countsPath = "/a/counts"

// counts checks that members that know different numbers of partitions never
// work at the same time.
type counts struct {
	w *simulation.World

	mu    sync.Mutex
	works map[*groupmembership.Partition]int // what is worked on, and of how many its member knows
	moves int
}

// begin reports that a member works on a partition. The member calls end when
// its work is over.
func (c *counts) begin(part *groupmembership.Partition, n int) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for other, m := range c.works {
		if m != n && other.Err() == nil && part.Err() == nil {
			c.w.Break("one number", "partition %d of %d is worked on beside partition %d of %d", part.Number, n, other.Number, m)
		}
	}
	c.works[part] = n
	c.moves++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.works, part)
	}
}

// run takes part in the division of n partitions until ctx ends.
func (c *counts) run(ctx context.Context, a *simulation.Actor, n int) {
	var turn sync.Mutex // an actor is for one goroutine, but each partition has its own
	turns := 0
	err := groupmembership.NewPartitioner(a.Manager, countsPath, n).Run(ctx, fmt.Sprint("m", a.Index),
		func(ctx context.Context, part *groupmembership.Partition) error {
			turn.Lock()
			turns++
			worker := a.Fork(fmt.Sprint(part.Number, "/", turns))
			turn.Unlock()
			defer c.begin(part, n)()
			<-ctx.Done()
			worker.Sleep(context.Background(), 4*time.Second) // finishes what is under way
			return ctx.Err()
		})
	switch {
	case errors.Is(err, session.ErrLost):
		c.w.Break("errors", "run: %v", err)
	case ctx.Err() != nil, errors.Is(err, groupmembership.ErrPartitionCount), errors.Is(err, session.ErrIDTaken):
	default:
		c.w.Break("errors", "run: %v", err)
	}
}

// rewrite writes numbers of partitions, and deletes the directory, as another
// client might.
func rewrite(a *simulation.Actor) {
	claims := countsPath + "/claims"
	for a.Going() {
		a.Sleep(a.Ctx, 5*time.Second)
		node, found := a.World.Srv.Node(claims)
		switch {
		case !found:
		case a.One(2):
			if err := a.World.Srv.Put(claims, []byte(fmt.Sprint(2+2*a.N(3)))); err != nil {
				a.World.Errorf("write the number of partitions: %v", err)
			}
		case len(node.Children) == 0:
			_ = a.World.Srv.Remove(claims) // fails if the server has removed it
		}
	}
}

// partitionCounts has members divide different numbers of partitions.
func partitionCounts() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		c := &counts{w: w, works: make(map[*groupmembership.Partition]int)}
		for _, p := range w.Procs() {
			w.Go(p, "member", func(a *simulation.Actor) {
				for a.Going() {
					ctx, cancel := a.Within(20 * time.Second)
					c.run(ctx, a, 2+2*a.N(3))
					cancel()
					a.Sleep(a.Ctx, 2*time.Second)
				}
			})
		}
		w.Go(w.Procs()[0], "administrator", rewrite)
		w.AtEnd(func() {
			if c.moves == 0 {
				w.Break("progress", "no member has worked")
			}
			ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
			defer cancel()
			var begun sync.WaitGroup
			begun.Add(3)
			go func() {
				begun.Wait()
				cancel()
			}()
			err := groupmembership.NewPartitioner(w.Procs()[0].Manager, countsPath, 3).Run(ctx, "last",
				func(ctx context.Context, _ *groupmembership.Partition) error {
					begun.Done()
					<-ctx.Done()
					return ctx.Err()
				})
			if !errors.Is(err, context.Canceled) {
				w.Break("converges", "the last member does not get all partitions: %v", err)
			}
		})
	}, Keeps: []string{countsPath + "/claims"}, Lasts: 3 * time.Minute, Watches: -1}
}

func TestPartitionCountSimulation(t *testing.T) { simulation.Run(t, seeds, partitionCounts()) }

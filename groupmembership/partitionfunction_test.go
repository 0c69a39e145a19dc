package groupmembership_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// An f that does not return keeps its partition, and its hold: no other member
// has the partition until it does.
func TestPartitionIsKeptUntilTheFunctionReturns(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		p := groupmembership.NewPartitioner(w.Process().Manager, orders, 2)
		moved, finish := make(chan *groupmembership.Partition, 2), make(chan struct{})
		slow := testworld.Go(w, func(ctx context.Context) (int, error) {
			return 0, p.Run(ctx, "slow", func(ctx context.Context, part *groupmembership.Partition) error {
				c.begin(part)
				<-ctx.Done()
				if errors.Is(context.Cause(ctx), groupmembership.ErrMoved) {
					moved <- part
					<-finish
				}
				return nil
			})
		})
		w.Eventually(func() bool { return len(w.Children(orders+"/claims")) == 2 }, "slow has both")
		b := c.work(w.Process(), "b", 2)
		part := <-moved
		time.Sleep(time.Hour)
		require.Empty(t, b.owned())
		require.NoError(t, part.Err())
		close(finish)
		w.Eventually(func() bool { return len(b.owned()) == 1 }, "b has one")
		_, err := slow.GiveUp()
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestPartitionFunctionFails(t *testing.T) {
	broken := errors.New("broken")
	testworld.Run(t, func(w *testworld.World) {
		p := groupmembership.NewPartitioner(w.Process().Manager, orders, 3)
		var begun sync.WaitGroup
		begun.Add(3)
		err := p.Run(w.Context(), "a", func(ctx context.Context, part *groupmembership.Partition) error {
			begun.Done()
			if part.Number == 1 {
				begun.Wait()
				return broken
			}
			<-ctx.Done()
			return ctx.Err()
		})
		require.ErrorIs(t, err, broken)
		require.NotErrorIs(t, err, context.Canceled)
		require.Empty(t, w.Children(orders+"/members"))
		require.Empty(t, w.Children(orders+"/claims"))
	})
}

// When Run ends because one function has failed or the number is another one, the
// contexts of the other functions end with that error, and OnPartitionEnd gets it.
func TestPartitionFunctionsLearnWhyRunEnds(t *testing.T) {
	broken := errors.New("the work failed")
	testworld.Run(t, func(w *testworld.World) {
		for _, reason := range []error{broken, groupmembership.ErrPartitionCount} {
			var mu sync.Mutex
			causes, ends := make(map[int]error), make(map[int]error)
			fail := make(chan struct{})
			p := groupmembership.NewPartitioner(w.Process().Manager, orders, 3,
				groupmembership.OnPartitionEnd(func(part *groupmembership.Partition, err error) {
					mu.Lock()
					defer mu.Unlock()
					ends[part.Number] = err
				}))
			run := testworld.Go(w, func(ctx context.Context) (int, error) {
				return 0, p.Run(ctx, "a", func(ctx context.Context, part *groupmembership.Partition) error {
					failing := fail
					if part.Number != 0 {
						failing = nil
					}
					select {
					case <-failing:
						return broken
					case <-ctx.Done():
					}
					mu.Lock()
					defer mu.Unlock()
					causes[part.Number] = context.Cause(ctx)
					if part.Number == 1 {
						return nil
					}
					return ctx.Err()
				})
			})
			w.Eventually(func() bool { return len(w.Children(orders+"/claims")) == 3 }, "all are owned")
			others := []int{1, 2}
			if reason == broken {
				close(fail)
			} else {
				others = []int{0, 1, 2}
				w.Put(orders+"/claims", "4")
			}
			_, err := run.Result()
			require.ErrorIs(w, err, reason)
			require.NotErrorIs(w, err, context.Canceled)
			require.Empty(w, testworld.Repeats(err.Error()))
			require.Len(w, ends, 3)
			for _, number := range others {
				require.ErrorIs(w, causes[number], reason)
				require.ErrorContains(w, ends[number], "run partitioner /consumers/orders: ")
				require.ErrorIs(w, ends[number], reason)
				require.NotErrorIs(w, ends[number], session.ErrLost)
			}
			require.NoError(w, w.Srv.Remove(orders+"/claims"))
		}
	})
}

// An error of f after a move or a loss does not end Run: it may be a
// consequence. OnPartitionEnd gets it. This is the rule of election.Run, too.
func TestPartitionFunctionFailsAfterTheEnd(t *testing.T) {
	closed := errors.New("http: Server closed")
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		var mu sync.Mutex
		var ends []error
		process := w.Process()
		p := groupmembership.NewPartitioner(process.Manager, orders, 2,
			groupmembership.OnPartitionEnd(func(part *groupmembership.Partition, err error) {
				mu.Lock()
				defer mu.Unlock()
				ends = append(ends, err)
			}))
		last := errors.New("the disk is full")
		failure := closed
		run := testworld.Go(w, func(ctx context.Context) (int, error) {
			return 0, p.Run(ctx, "a", func(ctx context.Context, part *groupmembership.Partition) error {
				<-ctx.Done()
				mu.Lock()
				defer mu.Unlock()
				return failure
			})
		})
		w.Eventually(func() bool { return len(w.Children(orders+"/claims")) == 2 }, "a has both")
		b := c.work(w.Process(), "b", 2)
		w.Eventually(func() bool { return len(b.owned()) == 1 }, "one has moved")
		mu.Lock()
		require.Len(t, ends, 1)
		require.ErrorIs(t, ends[0], closed)
		require.ErrorIs(t, ends[0], groupmembership.ErrMoved)
		ends = nil
		mu.Unlock()

		process.Expire()
		w.Eventually(func() bool { return len(w.Children(orders+"/claims")) == 2 && len(b.owned()) == 1 }, "a has one again")
		mu.Lock()
		require.Len(t, ends, 1)
		require.ErrorIs(t, ends[0], closed)
		require.ErrorIs(t, ends[0], session.ErrLost)
		lost := ends[0].Error()
		failure = last
		mu.Unlock()
		require.Regexp(t, "^http: Server closed; run partitioner "+orders+": the claim on partition [01] was lost: ", lost)
		_, err := run.GiveUp()
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, last, "after the end of ctx, an error of f is joined")
		b.stop()
	})
}

// A claim that is still on its way when Run ends is removed, unseen by f.
func TestPartitionClaimOnItsWay(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		claim := orders + "/claims/0"
		made := 0
		w.Srv.OnChange(func(c zktest.Change) {
			if c.Path == claim && c.Kind == zktest.Created {
				made++
			}
		})
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Path == claim {
				return zktest.Delay(time.Second)
			}
			return zktest.Pass
		})
		p := groupmembership.NewPartitioner(w.Process().Manager, orders, 1)
		run := testworld.Go(w, func(ctx context.Context) (int, error) {
			return 0, p.Run(ctx, "a", func(context.Context, *groupmembership.Partition) error { panic("not reached") })
		})
		time.Sleep(500 * time.Millisecond)
		_, err := run.GiveUp()
		require.ErrorIs(t, err, context.Canceled)
		time.Sleep(time.Minute)
		require.Equal(t, 1, made)
		require.Empty(t, w.Children(orders+"/claims"))
	})
}

// An f that returns nil at once is called again, with pauses, and the claim
// stays the same.
func TestPartitionFunctionReturnsEarly(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		ctx, cancel := context.WithTimeout(w.Context(), time.Hour)
		defer cancel()
		calls, tokens := 0, make(map[int64]bool)
		err := groupmembership.NewPartitioner(w.Process().Manager, orders, 1).Run(ctx, "a",
			func(_ context.Context, part *groupmembership.Partition) error {
				calls++
				tokens[part.Token()] = true
				return nil
			})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, tokens, 1)
		require.Greater(t, calls, 100)
		require.Less(t, calls, 3600)
	})
}

// An f whose store has rejected the token returns ErrReclaim: the member stays,
// and the partition is claimed anew with a new token.
func TestPartitionIsReclaimed(t *testing.T) {
	fenced := errors.New("the store has seen a greater token")
	testworld.Run(t, func(w *testworld.World) {
		var mu sync.Mutex
		var ends []error
		tokens := make(map[int]map[int64]int) // by partition: how often f was called with each token
		joined := 0
		p := groupmembership.NewPartitioner(w.Process().Manager, orders, 2,
			groupmembership.OnJoin(func(*groupmembership.Membership) { joined++ }),
			groupmembership.OnPartitionEnd(func(_ *groupmembership.Partition, err error) {
				mu.Lock()
				defer mu.Unlock()
				ends = append(ends, err)
			}))
		run := testworld.Go(w, func(ctx context.Context) (int, error) {
			return 0, p.Run(ctx, "a", func(ctx context.Context, part *groupmembership.Partition) error {
				mu.Lock()
				if tokens[part.Number] == nil {
					tokens[part.Number] = make(map[int64]int)
				}
				tokens[part.Number][part.Token()]++
				again := len(tokens[part.Number]) < 3
				mu.Unlock()
				if part.Number == 1 && again {
					return fmt.Errorf("%w: %w", session.ErrReclaim, fenced)
				}
				<-ctx.Done()
				return fmt.Errorf("%w: %w", session.ErrReclaim, fenced)
			})
		})
		w.Eventually(func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(tokens[1]) == 3
		}, "partition 1 is claimed for the third time")
		mu.Lock()
		require.Len(t, tokens[0], 1, "the other partition stays")
		require.Len(t, ends, 2)
		for _, err := range ends {
			require.ErrorIs(t, err, fenced)
		}
		for _, calls := range tokens[1] {
			require.Equal(t, 1, calls)
		}
		mu.Unlock()
		require.Equal(t, 1, joined)
		_, err := run.GiveUp()
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, fenced, "Run never returns what matches ErrReclaim")
		require.Empty(t, w.Children(orders+"/claims"))
	})
}

// An f that returns ErrReclaim at once has its partition claimed with pauses,
// and work of a second ends the series.
func TestPartitionIsReclaimedWithPauses(t *testing.T) {
	minutes := testworld.Sized(10, 60)
	for work, bounds := range map[time.Duration][2]int{0: {1, 60}, time.Second: {50, 60}} { // claims in a minute
		testworld.Run(t, func(w *testworld.World) {
			ctx, cancel := context.WithTimeout(w.Context(), time.Duration(minutes)*time.Minute)
			defer cancel()
			tokens := make(map[int64]bool)
			err := groupmembership.NewPartitioner(w.Process().Manager, orders, 1).Run(ctx, "a",
				func(_ context.Context, part *groupmembership.Partition) error {
					tokens[part.Token()] = true
					time.Sleep(work)
					return session.ErrReclaim
				})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Greater(t, len(tokens), bounds[0]*minutes)
			require.LessOrEqual(t, len(tokens), bounds[1]*minutes)
		})
	}
}

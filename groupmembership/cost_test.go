package groupmembership_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testworld"
)

// As many changes as members, in bursts, cost each watcher one list for many of
// them. The budget is a twentieth of one per change and watcher; in a small
// group a burst is small too, so that it only holds for a large one.
func TestCostOfALargeGroup(t *testing.T) {
	const members, watchers, changes, bursts = largeGroup, manyWatchers, largeGroup, 10
	testworld.Run(t, func(w *testworld.World) {
		processes := make([]*testworld.Process, 10)
		for i := range processes {
			processes[i] = w.Process()
		}
		all := make([]*groupmembership.Membership, members)
		each := func(f func(i int)) {
			var work sync.WaitGroup
			for p := range processes {
				work.Go(func() {
					for i := p; i < members; i += len(processes) {
						f(i)
					}
				})
			}
			work.Wait()
		}
		again := func(i int) { all[i] = join(processes[i%len(processes)], fmt.Sprintf("m%04d", i), "") }
		each(again)
		observers := make([]*observer, watchers)
		for i := range observers {
			observers[i] = observe(w.Process())
		}
		time.Sleep(time.Second)
		synctest.Wait()
		for _, o := range observers {
			o.take()
			require.Equal(w, members, o.last.Len())
		}

		counts := w.Count(func() {
			for burst := range bursts {
				// A twentieth of the members leaves for good, and in every other
				// burst as many leave and come back.
				each(func(i int) {
					if i%(2*bursts) == burst {
						require.NoError(w, all[i].Leave())
					}
					if i%(2*bursts) == burst+bursts && burst%2 == 0 {
						require.NoError(w, all[i].Leave())
						again(i)
					}
				})
				time.Sleep(10 * time.Second)
			}
		})
		left := counts["delete"]
		made := counts["create"]
		require.GreaterOrEqual(w, left+made, changes)
		lists := counts["getChildren2"]
		t.Logf("%d changes, %d watchers: %d lists, %.4f of one per change and watcher; %d reads of payloads",
			left+made, watchers, lists, float64(lists)/float64((left+made)*watchers), counts["getData"])
		require.LessOrEqual(w, lists, bursts*watchers*3, "a few for each burst")
		if members == 1000 {
			require.LessOrEqual(w, lists*20, (left+made)*watchers)
		}
		for _, o := range observers {
			require.Equal(w, members-members/2, o.last.Len())
		}
	})
}

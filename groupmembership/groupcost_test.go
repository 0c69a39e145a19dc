package groupmembership_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
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
		observers := make([]observer, watchers)
		for i := range observers {
			observers[i] = observe(w.Process())
		}
		time.Sleep(time.Second)
		synctest.Wait()
		for _, o := range observers {
			o.take()
			require.Equal(w, members, o.Last().Len())
		}

		counts := w.Count(func() {
			for burst := range bursts {
				// A twentieth of the members leaves for good, and in every
				// other burst as many leave and come back.
				each(func(i int) {
					if i%(2*bursts) == burst {
						require.NoError(w, all[i].Leave(context.Background()))
					}
					if i%(2*bursts) == burst+bursts && burst%2 == 0 {
						require.NoError(w, all[i].Leave(context.Background()))
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
			require.Equal(w, members-members/2, o.Last().Len())
		}
	})
}

// confirmed is one more request: it confirms a reading that has begun before a
// quorum has answered on the new connection.
var confirmed = testworld.Counts{"exists": 1}

func TestCostsOfAGroup(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		var m *groupmembership.Membership
		var o observer
		settle := func() { time.Sleep(time.Second) }
		w.Costs([]testworld.Step{
			{Name: "the first Join makes the directory", Want: testworld.Counts{"create": 2, "createContainer": 1, "getData": 1}, Do: func() { m = join(p, "a", "1"); settle() }},
			{Name: "Changes", Want: testworld.Counts{"addWatch": 1, "multiRead": 2}, Do: func() { o = observe(q); settle() }},
			{Name: "Join, and it is seen", Want: testworld.Counts{"create": 1, "getData": 1, "multiRead": 1}, Do: func() { join(p, "b", "1"); settle() }},
			{Name: "Members", Want: testworld.Counts{"getChildren2": 1, "multiRead": 1}, Do: func() { require.Equal(w, "a=1 b=1", list(p)) }},
			{Name: "Update, and it is seen", Want: testworld.Counts{"exists": 1, "getData": 1, "multiRead": 1, "setData": 1, "sync": 1}, Do: func() { require.NoError(w, m.UpdatePayload(w.Context(), []byte("2"))); settle() }},
			{Name: "a reconnection of the watcher", Want: testworld.Counts{"connect": 1, "multi": 1, "multiRead": 2, "setWatches2": 1}, May: confirmed, Do: func() { q.Link.Disconnect(); settle() }},
			{Name: "a reconnection of the members, whose nodes are listed and looked at once more", Want: testworld.Counts{"connect": 1, "exists": 2, "getEphemerals": 1, "setWatches": 1}, Do: func() {
				p.Link.Disconnect()
				time.Sleep(time.Minute)
			}},
			{Name: "Leave, and it is seen", Want: testworld.Counts{"delete": 1, "exists": 1, "multiRead": 1, "sync": 1}, Do: func() { require.NoError(w, m.Leave(context.Background())); settle() }},
			{Name: "the loop ends, and the other member is looked at, as each minute", Want: testworld.Counts{"exists": 1, "removeWatches": 1}, Do: func() { require.NoError(w, o.Cancel()); time.Sleep(time.Minute) }},
		})
		require.Equal(w, "b=1", o.members())
	})
}

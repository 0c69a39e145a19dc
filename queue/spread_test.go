package queue_test

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/zktest"
)

// harvest has k processes empty a queue of n items together. It returns the
// requests that it took, the virtual time, and by how many places an item was
// overtaken at most.
func (w world) harvest(k, n int, work time.Duration) (counts map[string]int, took time.Duration, overtaken int) {
	w.Helper()
	msgs := make([]queue.Msg, n)
	for i := range msgs {
		msgs[i].Data = []byte(strconv.Itoa(i))
	}
	_, err := w.user().PutBatch(w.Context(), msgs...)
	require.NoError(w, err)
	users := make([]*user, k)
	for i := range users {
		users[i] = w.user()
		users[i].p.Link.Delay(time.Millisecond)
		_, err := users[i].Len(w.Context())
		require.NoError(w, err)
	}
	var mu sync.Mutex
	var order []int
	start := time.Now()
	counts = w.Count(func() {
		var all sync.WaitGroup
		for _, u := range users {
			all.Go(func() {
				for {
					item, err := u.TryTake(w.Context())
					if err != nil {
						return
					}
					i, err := strconv.Atoi(string(item.Data))
					if err != nil {
						w.Error(err)
					}
					mu.Lock()
					order = append(order, i)
					mu.Unlock()
					time.Sleep(work)
					if err := item.Ack(); err != nil {
						w.Error(err)
					}
				}
			})
		}
		all.Wait()
	})
	took = time.Since(start)
	require.Len(w, order, n)
	later := make([]bool, n)
	behind := 0 // how many that were taken come after the first that was not
	first := 0
	for _, i := range order {
		later[i] = true
		behind++
		for first < n && later[first] {
			first++
			behind--
		}
		overtaken = max(overtaken, behind)
	}
	require.Equal(w, n, first, "each is taken once")
	return counts, took, overtaken
}

// More consumers take more, as fast as requests go, and spread over the front
// of the queue. Few claims are refused, and few items are read that others
// took. The queue is not listed for each item, and no item is overtaken by more
// than some hundreds.
func TestFault17_ConsumersSpread(t *testing.T) {
	const n = 4000
	for _, work := range []time.Duration{0, 20 * time.Millisecond} {
		var alone time.Duration
		for _, k := range []int{1, 4, 16} {
			t.Run(fmt.Sprintf("%d consumers, work of %v", k, work), func(t *testing.T) {
				run(t, func(w world) {
					counts, took, overtaken := w.harvest(k, n, work)
					t.Logf("%v, overtaken by %d: %v", took, overtaken, counts)
					if k == 1 {
						alone = took
						require.LessOrEqual(w, counts["multi"], 2*n+4, "an empty directory of claims goes, and is made again")
						require.Zero(w, overtaken, "one consumer takes them in order")
						require.LessOrEqual(w, counts["getChildren2"], 4)
					}
					require.LessOrEqual(w, counts["multi"], n*5/2)
					require.LessOrEqual(w, counts["multiRead"], n*3/4)
					require.LessOrEqual(w, counts["getChildren2"], n/8)
					// Consumers choose at random: the worst item of a run is
					// overtaken by about 330, and seldom by more than 500.
					require.LessOrEqual(w, overtaken, 4*queueReach)
					require.LessOrEqual(w, took, alone*3/2/time.Duration(k)+alone/100)
				})
			})
		}
	}
}

// queueReach is among how many items a consumer chooses at the most.
const queueReach = 4 << 6

// An item that another consumer was quicker to claim comes when that claim has
// gone, and not after all that the list shows.
func TestAnItemThatWasMissedComesSoon(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.putMany(5000)
		w.Put(path+"/claims", "")
		claim := path + "/claims/queue-0000000000"
		w.Once(on(zktest.OpMulti, claim), func() zktest.Action {
			w.Put(claim, "")
			return zktest.Pass
		})
		for n := 0; ; n++ {
			require.LessOrEqual(w, n, 2*queueReach)
			item := u.take()
			require.NoError(w, item.Ack())
			if string(item.Data) == "0" {
				break
			}
			if n == 10 {
				w.Remove(claim)
			}
			time.Sleep(200 * time.Millisecond)
		}
	})
}

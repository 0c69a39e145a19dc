package groupmembership_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/simulation"
	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// TestPartitionSimulation has members come, go, die and be cut off at random,
// and requests be lost and delayed. At no instant do two members work on a
// partition. The server removes no claim while its context lives, and tokens
// grow. When all is calm again the partitions are divided.
func TestPartitionSimulation(t *testing.T) {
	for _, seed := range simulation.Seeds(t, 20) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) { simulatePartitions(w, seed) }, zktest.Tick(time.Second))
		})
	}
}

func simulatePartitions(w *testworld.World, seed uint64) {
	var mu sync.Mutex // dice are thrown by the server too
	r := rand.New(rand.NewPCG(seed, 7))
	dice := func(n int) int { mu.Lock(); defer mu.Unlock(); return r.IntN(n) }
	n := 1 + dice(12)
	c := newCourt(w)
	w.Srv.OnChange(func(ch zktest.Change) {
		name, ok := strings.CutPrefix(ch.Path, orders+"/claims/")
		if !ok || ch.Kind != zktest.Deleted {
			return
		}
		number, err := strconv.Atoi(name)
		require.NoError(w, err)
		c.mu.Lock()
		defer c.mu.Unlock()
		if part := c.owners[number]; part != nil && part.Err() == nil {
			w.Errorf("the claim of partition %d is removed while its owner works", number)
		}
	})
	stop := w.Srv.Intercept(func(q zktest.Request) zktest.Action {
		if q.Op == zktest.OpCloseSession {
			return zktest.Pass
		}
		switch dice(200) {
		case 0:
			return zktest.DropRequest
		case 1:
			return zktest.LoseReply
		case 2:
			return zktest.Delay(time.Duration(dice(int(2 * time.Second))))
		}
		return zktest.Pass
	})
	type place struct {
		p *testworld.Process
		k *worker
	}
	places := make([]*place, 2+dice(5))
	for i := range places {
		places[i] = &place{p: w.Process(testworld.Timeout(2*time.Second + time.Duration(dice(int(8*time.Second)))))}
	}
	for range 40 {
		time.Sleep(time.Duration(dice(int(5 * time.Second))))
		i := dice(len(places))
		pl := places[i]
		switch dice(6) {
		case 0, 1:
			if pl.k == nil {
				pl.k = c.work(pl.p, fmt.Sprint("m", i), n)
			}
		case 2:
			if pl.k != nil {
				pl.k.cancel()
				<-pl.k.done
				pl.k = nil
			}
		case 3:
			pl.p.Link.Cut([]zktest.Direction{zktest.ToServer, zktest.ToClient, zktest.Both}[dice(3)])
		case 4:
			pl.p.Link.Heal()
		case 5:
			pl.p.Link.Disconnect()
		}
	}
	stop()
	var workers []*worker
	for i, pl := range places {
		pl.p.Link.Heal()
		if pl.k == nil {
			pl.k = c.work(pl.p, fmt.Sprint("m", i), n)
		}
		select {
		case <-pl.k.done:
			require.NoError(w, pl.k.err, "a member has given up")
		default:
		}
		workers = append(workers, pl.k)
	}
	c.settled(n, workers...)
	for _, k := range workers {
		k.cancel()
		<-k.done
		require.NotErrorIs(w, k.err, session.ErrLost)
	}
	for _, pl := range places {
		require.NoError(w, pl.p.Close())
	}
	require.Empty(w, w.Children(orders+"/claims"))
	require.Empty(w, w.Children(orders+"/members"))
}

package naming_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/simulation"
	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/zktest"
)

// TestSimulation has instances come, change and go, and processes be cut off,
// while requests are lost and delayed. A watcher never shows an empty service
// after the first instance. When all is calm again, every watcher shows exactly
// the registered instances, with the newest data, and no unregistered instance
// is left.
func TestSimulation(t *testing.T) {
	for _, seed := range simulation.Seeds(t, testworld.Sized(3, 6)) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			dir := t.TempDir()
			testworld.Run(t, func(w *testworld.World) { simulate(w, seed, dir) }, zktest.WithTick(time.Second))
		})
	}
}

// actor is a process that registers instances and watches.
type actor struct {
	*testworld.Process
	held     map[string]*naming.Registration
	want     map[string]string // address by the id as it was asked for
	watching *naming.Service
}

type scene struct {
	*testworld.World
	dice    func(int) int
	codec   naming.Codec
	actors  []*actor
	retired []*naming.Registration
}

func simulate(w *testworld.World, seed uint64, dir string) {
	var mu sync.Mutex // dice are thrown by the server too
	r := rand.New(rand.NewPCG(seed, 5))
	sim := &scene{World: w, dice: func(n int) int { mu.Lock(); defer mu.Unlock(); return r.IntN(n) }}
	sim.codec = []naming.Codec{naming.Curator(), naming.Spring(), naming.Dubbo()}[seed%3]
	for i := range 2 + sim.dice(3) {
		p := w.Process(testworld.Timeout(2*time.Second + time.Duration(sim.dice(int(8*time.Second)))))
		s, err := registry(p, naming.Layout(sim.codec)).Open(w.Context(), "orders", naming.ProtectEmpty(time.Hour),
			naming.CacheFile(filepath.Join(dir, strconv.Itoa(i))))
		require.NoError(w, err)
		w.Cleanup(func() { _ = s.Close() })
		a := &actor{Process: p, held: make(map[string]*naming.Registration), want: make(map[string]string), watching: s}
		sim.actors = append(sim.actors, a)
		sim.neverEmptied(s)
	}
	stop := w.Srv.Intercept(func(q zktest.Request) zktest.Action {
		if q.Op == zktest.OpCloseSession {
			return zktest.Pass
		}
		switch sim.dice(200) {
		case 0:
			return zktest.DropRequest
		case 1:
			return zktest.LoseReply
		case 2:
			return zktest.Delay(time.Duration(sim.dice(int(2 * time.Second))))
		}
		return zktest.Pass
	})
	for range 60 {
		time.Sleep(time.Duration(sim.dice(int(3 * time.Second))))
		sim.step(sim.dice(len(sim.actors)))
	}
	stop()
	for _, a := range sim.actors {
		a.Link.Heal()
	}
	sim.settle()
}

// neverEmptied watches a watch.
func (sim *scene) neverEmptied(s *naming.Service) {
	ctx, cancel := context.WithCancel(sim.Context())
	over := make(chan struct{})
	sim.Cleanup(func() { cancel(); <-over })
	go func() {
		defer close(over)
		some := false
		for change, err := range s.Changes(ctx) {
			if err != nil {
				sim.Errorf("a watch reports %v", err)
				continue
			}
			if some && change.Len() == 0 {
				sim.Errorf("a watch shows an empty list")
			}
			some = some || change.Len() > 0
		}
	}()
}

func (sim *scene) step(i int) {
	a := sim.actors[i]
	id := fmt.Sprintf("i%d-%d", i, sim.dice(3))
	within, cancel := context.WithTimeout(sim.Context(), time.Duration(sim.dice(int(6*time.Second))))
	defer cancel()
	in := naming.Instance{Service: "orders", ID: id, Address: fmt.Sprint("h", sim.dice(1_000_000)), Port: 80}
	g := a.held[id]
	switch sim.dice(8) {
	case 0, 1, 2:
		if g == nil {
			if sim.dice(3) == 0 && !sim.codec.InName() {
				in.Type = naming.DynamicSequential
			}
			if g, err := registry(a.Process, naming.Layout(sim.codec)).Register(within, in); err == nil {
				a.held[id], a.want[id] = g, in.Address
			}
			return
		}
		in.Type = g.Instance().Type
		err := g.Update(within, in)
		a.want[id] = g.Instance().Address // what the registration says is what has to stand
		if err == nil {
			require.Equal(sim, in.Address, a.want[id])
		}
	case 3:
		if g != nil {
			_ = g.Unregister(within) // which goes on in the background
			delete(a.held, id)
			sim.retired = append(sim.retired, g)
		}
	case 4:
		a.Link.Cut([]zktest.Direction{zktest.ToServer, zktest.ToClient, zktest.Both}[sim.dice(3)])
	case 5:
		a.Link.Heal()
	case 6:
		a.Link.Disconnect()
	case 7:
		if sim.dice(4) == 0 {
			sim.Srv.Restart()
		}
	}
}

// settle waits until all is calm and compares.
func (sim *scene) settle() {
	for _, g := range sim.retired {
		require.NoError(sim, g.Unregister(sim.Context()))
		<-g.Done()
	}
	var want []string
	for _, a := range sim.actors {
		for id, g := range a.held {
			sim.Eventually(func() bool { return g.State().In }, "%s is in", id)
		}
	}
	time.Sleep(time.Minute)
	if slices.ContainsFunc(sim.actors, func(a *actor) bool { return len(a.held) > 0 }) {
		time.Sleep(time.Hour) // the protection of those that are gone is over
	}
	for _, a := range sim.actors {
		for id, g := range a.held {
			in := g.Instance()
			require.Equal(sim, a.want[id], in.Address)
			want = append(want, in.ID+"="+in.Address)
		}
	}
	slices.Sort(want)
	dir, err := sim.codec.Dir(sim.codec.Base(), "orders")
	require.NoError(sim, err)
	require.Len(sim, sim.Children(dir), len(want), "nothing that was unregistered is left")
	for _, a := range sim.actors {
		if len(want) == 0 {
			require.True(sim, a.watching.View().Protected || len(a.watching.Load()) == 0)
			continue
		}
		require.False(sim, a.watching.Stale())
		got := strings.Fields(show(a.watching.Load()))
		slices.Sort(got)
		require.Equal(sim, want, got)
	}
}

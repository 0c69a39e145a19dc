package config_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

var (
	seeds     = flag.Int("config.seeds", 25, "how many random programs to run")
	firstSeed = flag.Int64("config.seed", 1, "the seed of the first random program")
)

// TestRandomPrograms runs several processes with values, writers and faults.
// Every reader must see only committed values, in the order of their commits,
// and the last value at the end.
func TestRandomPrograms(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+int64(*seeds); seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) { newProgram(w, seed).run() })
		})
	}
}

type program struct {
	*world
	rng   *rand.Rand
	procs []process
	wg    sync.WaitGroup

	mu        sync.Mutex
	committed map[int64]string // by zxid
}

type process struct {
	link   *zktest.Link
	sm     *session.Manager
	values []*config.Value[int]
}

func newProgram(w *world, seed int64) *program {
	p := &program{world: w, rng: rand.New(rand.NewSource(seed)), committed: make(map[int64]string)}
	w.srv.OnChange(func(c zktest.Change) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if c.Path == "/n" && (c.Kind == zktest.Created || c.Kind == zktest.DataChanged) {
			p.committed[c.Zxid] = string(c.Data)
		}
	})
	p.procs = append(p.procs, process{link: w.link, sm: w.sm})
	for range 2 {
		link := w.srv.Link()
		p.procs = append(p.procs, process{link: link, sm: w.dial(link)})
	}
	return p
}

func (p *program) run() {
	ctx, stop := context.WithCancel(p.t.Context())
	for i := range p.procs {
		for range 2 {
			v := openIn(p.world, p.procs[i].sm, "/n", config.JSON[int](), config.Default(-1))
			p.procs[i].values = append(p.procs[i].values, v)
			pause := time.Duration(p.rng.Intn(3)) * time.Second
			p.wg.Go(func() { p.watch(ctx, v, pause) })
		}
	}
	for range 150 {
		time.Sleep(time.Duration(p.rng.Intn(1500)) * time.Millisecond)
		if p.rng.Intn(3) == 0 {
			p.fault()
		} else {
			p.write()
		}
	}
	p.heal()
	p.write()
	time.Sleep(10 * timeout)
	synctest.Wait()
	want, exists := config.Snapshot[int]{Value: -1}, false
	if node, found := p.srv.Node("/n"); found {
		n, err := strconv.Atoi(string(node.Data))
		require.NoError(p.t, err)
		exists = true
		want = config.Snapshot[int]{
			Value: n, Exists: true, Version: node.Stat.Version, Zxid: node.Stat.Mzxid, ModTime: time.UnixMilli(node.Stat.Mtime),
		}
	}
	for _, proc := range p.procs {
		for _, v := range proc.values {
			require.Equal(p.t, want, *v.Load(), "exists: %v", exists)
			require.NoError(p.t, v.Err())
			require.False(p.t, v.Stale())
		}
	}
	stop()
	p.wg.Wait()
}

// watch is a reader, which may be slow.
func (p *program) watch(ctx context.Context, v *config.Value[int], pause time.Duration) {
	var newest int64
	for snap, err := range v.Changes(ctx) {
		require.NoError(p.t, err)
		if snap.Exists {
			require.Greater(p.t, snap.Zxid, newest, "it went back")
			newest = snap.Zxid
			p.mu.Lock()
			data, found := p.committed[snap.Zxid]
			p.mu.Unlock()
			require.True(p.t, found, "zxid %d was never committed", snap.Zxid)
			require.Equal(p.t, data, strconv.Itoa(snap.Value))
		} else {
			require.Equal(p.t, -1, snap.Value)
		}
		require.GreaterOrEqual(p.t, max(v.Load().Zxid, newest), newest)
		time.Sleep(pause)
	}
}

func (p *program) write() {
	switch p.rng.Intn(8) {
	case 0:
		if _, found := p.srv.Node("/n"); found {
			p.remove("/n")
		}
	case 1:
		// Whatever becomes of it: a fault may keep it from its server.
		v := p.procs[p.rng.Intn(len(p.procs))].values[0]
		add := p.rng.Intn(100)
		p.wg.Go(func() {
			ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
			defer cancel()
			snap, err := v.Update(ctx, func(n int) (int, error) { return n + add + 1, nil })
			if err == nil && ctx.Err() == nil {
				now := v.Load()
				require.True(p.t, !now.Exists || now.Zxid >= snap.Zxid, "own write not visible: %+v after %+v", now, snap)
			}
		})
	default:
		p.put("/n", strconv.Itoa(p.rng.Intn(1000)))
	}
}

func (p *program) fault() {
	proc := p.procs[p.rng.Intn(len(p.procs))]
	var id int64
	if infos := p.srv.Sessions(); len(infos) > 0 {
		id = infos[p.rng.Intn(len(infos))].ID
	}
	switch p.rng.Intn(11) {
	case 0:
		p.srv.Expire(id)
	case 1, 2:
		p.srv.Disconnect(id)
	case 3, 4:
		p.srv.Lag(id)
	case 5:
		p.srv.CatchUp(id)
	case 6:
		proc.link.Cut([]zktest.Direction{zktest.ToServer, zktest.ToClient, zktest.Both}[p.rng.Intn(3)])
	case 7:
		proc.link.Refuse(p.rng.Intn(2) == 0)
	case 8:
		proc.link.Heal()
	case 9:
		proc.link.Delay(time.Duration(p.rng.Intn(200)) * time.Millisecond)
	case 10:
		switch p.rng.Intn(3) {
		case 0:
			p.srv.Restart()
		case 1:
			p.srv.Freeze()
		case 2:
			p.srv.Thaw()
		}
	}
}

func (p *program) heal() {
	p.srv.Thaw()
	for _, proc := range p.procs {
		proc.link.Heal()
		proc.link.Refuse(false)
		proc.link.Delay(0)
	}
	time.Sleep(5 * timeout)
	for _, info := range p.srv.Sessions() {
		p.srv.CatchUp(info.ID)
	}
}

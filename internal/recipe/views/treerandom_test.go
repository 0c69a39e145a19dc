package views

import (
	"flag"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

var (
	treeSeeds = flag.Int("views.seeds", 10, "how many random programs to run")
	treeSeed  = flag.Int64("views.seed", 1, "the seed of the first random program")
)

// TestTreeRandomPrograms runs trees in several processes under random changes
// and faults. Each published state that is not torn was the server's state at
// one instant, no earlier than the previous published state. At the end, each
// tree has the server's state.
func TestTreeRandomPrograms(t *testing.T) {
	for seed := *treeSeed; seed < *treeSeed+int64(*treeSeeds); seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			eachKind(t, func(w *testworld.World, lasting bool) { newTreeProgram(w, seed).run() })
		})
	}
}

type treeProgram struct {
	*testworld.World
	rng    *rand.Rand
	procs  []*testworld.Process
	writer *testworld.Process
	trees  []*recorded
}

// recorded is a tree and all states that it has published.
type recorded struct {
	*Tree
	cfg    TreeConfig
	mu     sync.Mutex
	states []*TreeState
}

func record(p *testworld.Process, cfg TreeConfig) *recorded {
	r := &recorded{cfg: cfg}
	cfg.OnState = func(s *TreeState) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.states = append(r.states, s)
	}
	r.Tree = openTree(p, cfg)
	return r
}

// print returns what identifies the nodes of a tree.
func (r *recorded) print(s *TreeState) string {
	var b strings.Builder
	for n := range s.All() {
		fmt.Fprintf(&b, "%q:%s@%d,%d ", n.Path, n.Data, n.Stat.Czxid, n.Stat.Mzxid)
	}
	return b.String()
}

type modelNode struct {
	data         string
	czxid, mzxid int64
}

// history prints the tree after each transaction.
func (r *recorded) history(changes []zktest.Change) []string {
	model := make(map[string]modelNode)
	states := []string{""}
	for i, c := range changes {
		rel, below := strings.CutPrefix(c.Path, r.cfg.Path+"/")
		if c.Path == r.cfg.Path {
			rel, below = "", true
		}
		deep := rel != "" && r.cfg.Depth > 0 && strings.Count(rel, "/") >= r.cfg.Depth
		if below && !deep && (r.cfg.Keep == nil || rel == "" || keepAll(r.cfg.Keep, rel)) {
			switch c.Kind {
			case zktest.Created:
				model[rel] = modelNode{string(c.Data), c.Zxid, c.Zxid}
			case zktest.DataChanged:
				n := model[rel]
				n.data, n.mzxid = string(c.Data), c.Zxid
				model[rel] = n
			case zktest.Deleted:
				delete(model, rel)
			}
		}
		if i+1 < len(changes) && changes[i+1].Zxid == c.Zxid {
			continue // the same transaction goes on
		}
		paths := make([]string, 0, len(model))
		for rel := range model {
			paths = append(paths, rel)
		}
		slices.Sort(paths)
		var b strings.Builder
		for _, rel := range paths {
			n := model[rel]
			fmt.Fprintf(&b, "%q:%s@%d,%d ", rel, n.data, n.czxid, n.mzxid)
		}
		states = append(states, b.String())
	}
	return states
}

// keepAll reports whether a node and all above it are kept.
func keepAll(keep func(string) bool, rel string) bool {
	for i, c := range rel {
		if c == '/' && !keep(rel[:i]) {
			return false
		}
	}
	return keep(rel)
}

// check compares the published states with the server's states.
func (r *recorded) check(w *testworld.World) (torn int) {
	w.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	history := r.history(w.Changes())
	at := 0
	newest := make(map[string]int64)
	for i, s := range r.states {
		for n := range s.All() {
			require.GreaterOrEqual(w, n.Stat.Mzxid, newest[n.Path], "state %d: node %q went back", i, n.Path)
			newest[n.Path] = n.Stat.Mzxid
		}
		if s.Torn || s.Err != nil {
			torn++
			continue
		}
		text := r.print(s)
		for at < len(history) && history[at] != text {
			at++
		}
		require.Less(w, at, len(history), "state %d of %d was never the server's, or went back: %s", i, len(r.states), text)
	}
	return torn
}

func newTreeProgram(w *testworld.World, seed int64) *treeProgram {
	p := &treeProgram{World: w, rng: rand.New(rand.NewSource(seed)), writer: w.Process()}
	w.Put("/d/a", "0")
	for range 2 {
		proc := w.Process()
		p.procs = append(p.procs, proc)
		for _, cfg := range []TreeConfig{
			{Path: "/d"},
			{Path: "/d", Depth: 1, Pause: 10 * time.Millisecond},
			{Path: "/d", Depth: 2, Keep: func(rel string) bool { return rel != "b" }},
			{Path: "/d/a"},
		} {
			p.trees = append(p.trees, record(proc, cfg))
		}
	}
	return p
}

func (p *treeProgram) run() {
	for i := range 250 {
		if p.rng.Intn(3) > 0 {
			time.Sleep(time.Duration(p.rng.Intn(1000)) * time.Millisecond)
		} else {
			time.Sleep(time.Duration(p.rng.Intn(20)) * time.Millisecond)
		}
		if p.rng.Intn(4) == 0 {
			p.fault()
		} else {
			p.change(i)
		}
	}
	p.heal()
	p.Put("/d/a/end", "end")
	time.Sleep(5 * time.Minute)
	synctest.Wait()
	for _, tree := range p.trees {
		history := tree.history(p.Changes())
		require.Equal(p, history[len(history)-1], tree.print(tree.Load()), "%+v", tree.cfg)
		require.NoError(p, tree.Load().Err)
		require.False(p, tree.Stale())
		torn := tree.check(p.World)
		require.Less(p, 2*torn, len(tree.states)+10, "most states are proven")
	}
}

var treeKeys = []string{"/d", "/d/a", "/d/a/x", "/d/a/y", "/d/a/x/1", "/d/b", "/d/b/x", "/d/c"}

func (p *treeProgram) change(i int) {
	key := treeKeys[p.rng.Intn(len(treeKeys))]
	switch _, found := p.Srv.Node(key); {
	case p.rng.Intn(8) == 0 && found:
		p.Remove(key)
	case p.rng.Intn(4) == 0:
		// Two keys in one transaction, where both are there.
		other := treeKeys[p.rng.Intn(len(treeKeys))]
		data := []byte(fmt.Sprint("t", i))
		_, _ = p.writer.Core().Txn(p.Context(), core.SetOp(key, data, -1), core.SetOp(other, data, -1))
	default:
		p.Put(key, fmt.Sprint(i))
	}
}

func (p *treeProgram) fault() {
	proc := p.procs[p.rng.Intn(len(p.procs))]
	var id int64
	if infos := p.Srv.Sessions(); len(infos) > 0 {
		id = infos[p.rng.Intn(len(infos))].ID
	}
	switch p.rng.Intn(8) {
	case 0:
		p.Srv.Expire(id)
	case 1:
		p.Srv.Disconnect(id)
	case 2, 3:
		p.Srv.Lag(id)
	case 4:
		p.Srv.CatchUp(id)
	case 5:
		proc.Link.Refuse(p.rng.Intn(2) == 0)
	case 6:
		proc.Link.Delay(time.Duration(p.rng.Intn(100)) * time.Millisecond)
	case 7:
		if p.rng.Intn(4) == 0 {
			p.Srv.Restart()
		} else {
			proc.Link.Disconnect()
		}
	}
}

func (p *treeProgram) heal() {
	for _, proc := range p.procs {
		proc.Link.Refuse(false)
		proc.Link.Delay(0)
	}
	time.Sleep(time.Minute)
	for _, info := range p.Srv.Sessions() {
		p.Srv.CatchUp(info.ID)
	}
}

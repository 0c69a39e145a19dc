package views

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
)

// modelServer is a history of a few nodes, and a server's view of it. Each read
// is executed at a point of the history. All events up to that point arrive
// before the answer, perhaps together with later ones.
type modelServer struct {
	rng    *rand.Rand
	now    map[string]core.Stat // by path
	events []core.Followed      // that have not arrived
	zxid   int64
}

var modelPaths = []string{"/d", "/d/a", "/d/a/x", "/d/a/y", "/d/a/x/1", "/d/b", "/d/b/x", "/d/_c", "/d/_c/x"}

func parentOf(path string) string { return path[:strings.LastIndexByte(path, '/')] }

func (m *modelServer) kids(path string) (names []string) {
	for other := range m.now {
		if other != path && parentOf(other) == path {
			names = append(names, other[len(path)+1:])
		}
	}
	return names
}

func (m *modelServer) tell(e core.EventType, path string) {
	m.events = append(m.events, core.Followed{Event: e, Path: path})
}

// change creates, changes or deletes a node, and sometimes two nodes at one
// instant.
func (m *modelServer) change() {
	m.zxid++
	for range 1 + m.rng.Intn(2) {
		path := modelPaths[m.rng.Intn(len(modelPaths))]
		stat, found := m.now[path]
		_, under := m.now[parentOf(path)]
		switch {
		case !found && (under || path == "/d"):
			m.now[path] = core.Stat{Czxid: m.zxid, Mzxid: m.zxid}
			m.tell(core.NodeCreated, path)
		case found && m.rng.Intn(2) == 0 && len(m.kids(path)) == 0:
			delete(m.now, path)
			m.tell(core.NodeDeleted, path)
		case found:
			stat.Mzxid = m.zxid
			m.now[path] = stat
			m.tell(core.NodeDataChanged, path)
		}
	}
}

// arrive delivers some events, the oldest first.
func (m *modelServer) arrive(t *Tree, n int) {
	for _, e := range m.events[:n] {
		t.hear(e)
	}
	m.events = slices.Clone(m.events[n:])
}

// answer executes a reading now.
func (m *modelServer) answer(r *reading) answer {
	stat, found := m.now[r.n.path]
	names := m.kids(r.n.path)
	stat.NumChildren = int32(len(names))
	switch {
	case !found && r.n.parent == nil && r.part == ofData:
		return answer{reading: r, missing: true}
	case !found:
		return answer{reading: r, err: core.ErrNoNode}
	case r.part == ofList:
		return answer{reading: r, names: names}
	}
	a := answer{reading: r, stat: stat}
	a.stat.DataLength = int32(len(modelData(stat)))
	if !r.stats {
		a.data = modelData(stat)
	}
	return a
}

// modelData is the data of a node with the stat: of several sizes.
func modelData(stat core.Stat) []byte {
	return fmt.Appendf(nil, "%d%s", stat.Mzxid, strings.Repeat(".", int(stat.Mzxid*7%11)))
}

// show prints the state of the tree's nodes at a point of the history.
func (m *modelServer) show(t *Tree) string {
	var paths []string
	var walk func(path string, level int)
	walk = func(path string, level int) {
		if _, found := m.now[path]; !found {
			return
		}
		paths = append(paths, path)
		if level == t.cfg.Depth && level > 0 {
			return
		}
		for _, name := range m.kids(path) {
			if name != "_c" {
				walk(path+"/"+name, level+1)
			}
		}
	}
	walk("/d", 0)
	slices.Sort(paths)
	if limit := t.cfg.Limit; limit > 0 && len(paths) > limit+1 {
		paths = paths[:limit+1]
	}
	var all []string
	room := t.cfg.MaxBytes
	for _, path := range paths {
		stat, data := m.now[path], modelData(m.now[path])
		if t.cfg.NamesOnly && path != "/d" {
			stat, data = core.Stat{}, nil
		}
		if size := len(path[strings.LastIndexByte(path, '/')+1:]) + len(data); path != "/d" && t.cfg.MaxBytes > 0 {
			if size > room {
				all = append(all, fmt.Sprintf("%s@%d,%d unread", path, stat.Czxid, stat.Mzxid))
				continue
			}
			room -= size
		}
		all = append(all, fmt.Sprintf("%s@%d,%d %s", path, stat.Czxid, stat.Mzxid, data))
	}
	return fmt.Sprint(all)
}

func showDraft(t *Tree) string {
	var all []string
	for rel, n := range t.draft.nodes.All() {
		text := string(n.Data)
		if n.Unread {
			text = "unread" + text
		}
		all = append(all, fmt.Sprintf("%s@%d,%d %s", strings.TrimSuffix("/d/"+rel, "/"), n.Stat.Czxid, n.Stat.Mzxid, text))
	}
	return fmt.Sprint(all) // in the order of paths
}

// Whenever no reading is stained after an answer and the events before it, the
// tree has the server's state at the execution of the last read. Such a moment
// always comes after the end of the changes.
func TestWhatIsKnownIsOneInstant(t *testing.T) {
	for name, cfg := range map[string]TreeConfig{
		"all": {}, "one level": {Depth: 1}, "limited": {Limit: 1}, "names": {Depth: 1, NamesOnly: true},
		"limited names": {Depth: 1, NamesOnly: true, Limit: 1},
		"more nodes":    {Limit: 3}, "bytes": {MaxBytes: 20}, "both": {Limit: 4, MaxBytes: 15},
		"bytes of names": {Depth: 1, NamesOnly: true, MaxBytes: 1},
	} {
		cfg.Path, cfg.Keep = "/d", func(rel string) bool { return rel != "_c" }
		t.Run(name, func(t *testing.T) {
			proven := 0
			for seed := range int64(800) {
				proven += runModel(t, cfg, seed)
			}
			require.Greater(t, proven, 1600)
		})
	}
}

func runModel(t *testing.T, cfg TreeConfig, seed int64) (proven int) {
	m := &modelServer{rng: rand.New(rand.NewSource(seed)), now: map[string]core.Stat{}}
	changes := 20 + m.rng.Intn(30)
	change := func(one, of int) bool {
		if changes == 0 || m.rng.Intn(of) >= one {
			return false
		}
		changes--
		m.change()
		return true
	}
	for change(9, 10) {
	}
	m.events = nil // before the watch was set
	tree := newTree(nil, cfg)
	tree.lasting = new(core.Follower)
	tree.begin()
	for range 200 {
		for queue := tree.nextReadings(); len(queue) > 0; {
			for change(2, 3) {
			}
			var answers []answer
			for _, r := range queue {
				answers = append(answers, m.answer(r))
			}
			executed, at := len(m.events), m.show(tree)
			for change(1, 3) {
			}
			m.arrive(tree, executed+m.rng.Intn(len(m.events)-executed+1))
			tree.absorb()
			queue = nil
			for _, a := range answers {
				queue = append(queue, tree.take(a)...)
			}
			tree.prune()
			queue = slices.DeleteFunc(queue, func(r *reading) bool { return !r.current() })
			if tree.limits.full {
				tree.limits.full = false
				queue = tree.measured(queue)
			}
			if len(queue) == 0 {
				queue = tree.fit()
			}
			if len(queue) == 0 && len(tree.dirty) == 0 {
				tree.sweep()
				require.Equal(t, at, showDraft(tree), "seed %d", seed)
				proven++
			}
		}
		change(1, 4)
		m.arrive(tree, m.rng.Intn(len(m.events)+1))
		if changes > 0 && m.rng.Intn(20) == 0 {
			m.events = nil // the connection is a new one
			tree.hear(core.Followed{Event: core.Resumed})
		}
		if tree.absorb(); tree.again {
			tree.begin()
		}
	}
	require.Zero(t, changes)
	require.Empty(t, tree.dirty, "seed %d", seed)
	require.Equal(t, m.show(tree), showDraft(tree), "seed %d", seed)
	return proven
}

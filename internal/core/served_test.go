package core

import (
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/docent-go/docent/internal/wire"
)

// serverModel is what a server keeps for a session: per path, one watch on its
// data or its creation, and one on its children.
type serverModel map[watchKey]bool

func (m serverModel) answered(op wire.Op, key watchKey, code wire.Code) {
	if code == wire.CodeOK || code == wire.CodeNoNode && op == wire.OpExists {
		m[key] = true
	}
}

func (m serverModel) fire(event EventType, path string) {
	switch event {
	case NodeCreated, NodeDataChanged:
		delete(m, watchKey{path, dataWatch})
	case NodeChildrenChanged:
		delete(m, watchKey{path, childWatch})
	case NodeDeleted:
		delete(m, watchKey{path, dataWatch})
		delete(m, watchKey{path, childWatch})
	}
}

func kindOf(op wire.Op) watchKind {
	if op == wire.OpGetChildren2 {
		return childWatch
	}
	return dataWatch
}

// If the two disagree, a reconnection loses a watch. The waiters matter only
// when a connection begins: then the watches with waiters are kept.
func TestArmedWatchesAreTheServers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table watchTable
		model := make(serverModel)
		waiting := make(map[*Watch]bool)
		path := rapid.SampledFrom([]string{"/a", "/b"})
		op := rapid.SampledFrom([]wire.Op{wire.OpExists, wire.OpGetData, wire.OpGetChildren2})
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"answer", "event", "join", "stop", "connect"}).Draw(t, "step") {
			case "answer":
				o := op.Draw(t, "op")
				key := watchKey{path.Draw(t, "path"), kindOf(o)}
				code := rapid.SampledFrom([]wire.Code{0, wire.CodeNoNode, wire.CodeNoAuth, -4, -127}).Draw(t, "code")
				table.left(key, o, code)
				model.answered(o, key, code)
			case "event":
				kind := rapid.SampledFrom([]EventType{NodeCreated, NodeDeleted, NodeDataChanged, NodeChildrenChanged}).Draw(t, "event")
				p := path.Draw(t, "path")
				table.fire(kind, p)
				model.fire(kind, p)
			case "join":
				key := watchKey{path.Draw(t, "path"), kindOf(op.Draw(t, "op"))}
				w, _ := table.join(key.path, key.kind, func(EventType) {})
				waiting[w] = true
			case "stop":
				for w := range waiting {
					w.Stop()
					delete(waiting, w)
					break
				}
			case "connect":
				awaited := make(map[watchKey]bool)
				for w := range waiting {
					if w.Event() == 0 {
						awaited[w.key] = true
					}
				}
				maps.DeleteFunc(model, func(key watchKey, _ bool) bool { return !awaited[key] })
				if n := total(t, table.setAgain(1, maxRewatch)); n != len(model) {
					t.Fatalf("%d watches are set again, not %d", n, len(model))
				}
			}
			kept := make(serverModel)
			for key := range table.server.kept {
				kept[key] = true
			}
			if !maps.Equal(kept, model) {
				t.Fatalf("kept are %v, the server has %v", kept, model)
			}
		}
	})
}

// fatal is what both kinds of tests have.
type fatal interface {
	require.TestingT
	Helper()
}

// watchesIn reads a request that sets watches again.
func watchesIn(t fatal, frame []byte) (zxid int64, w wire.Watches) {
	t.Helper()
	req, ok := wire.ParseRequest(frame)
	require.True(t, ok)
	d := wire.NewDecoder(req.Body)
	zxid = d.Int64()
	w = wire.Watches{Data: d.Strings(), Exist: d.Strings(), Child: d.Strings()}
	if req.Op == wire.OpSetWatches2 {
		w.Persistent, w.Recursive = d.Strings(), d.Strings()
	} else {
		require.Equal(t, wire.OpSetWatches, req.Op)
	}
	require.NoError(t, d.Err())
	require.Empty(t, d.Rest())
	return zxid, w
}

func total(t fatal, frames [][]byte) (n int) {
	for _, f := range frames {
		_, w := watchesIn(t, f)
		n += len(w.Data) + len(w.Exist) + len(w.Child) + len(w.Persistent) + len(w.Recursive)
	}
	return n
}

// Every watch with waiters is set again exactly once, and no other, in requests
// that a server accepts. The persistent watches have requests of their own,
// which come last. Servers before 3.6 never get them.
func TestRewatchFrames(t *testing.T) {
	for _, limit := range []int{maxRewatch, 1024, 100, 1} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			var table watchTable
			want := make(map[string]string)
			for i := range 3000 {
				op := []wire.Op{wire.OpExists, wire.OpGetData, wire.OpGetChildren2}[i%3]
				code := wire.CodeOK
				if op == wire.OpExists {
					code = wire.CodeNoNode
				}
				key := watchKey{fmt.Sprintf("/locks/%040d", i), kindOf(op)}
				table.left(key, op, code)
				w, _ := table.join(key.path, key.kind, func(EventType) {})
				if i%2 == 0 {
					w.Stop()
				} else {
					want[key.path] = op.String()
				}
			}
			for i := range 300 {
				path, recursive := fmt.Sprintf("/trees/%040d", i), i%2 == 0
				table.follow(path, recursive, func(Followed) {})
				if i%3 == 0 {
					continue // the server has not answered yet
				}
				table.follows.keys[path].standing, table.follows.keys[path].wide = true, recursive
				want[path] = fmt.Sprint(recursive)
			}
			checkFrames(t, table.setAgain(77, limit), limit, want)
			require.Len(t, table.server.kept, 1500, "what nobody waits for is forgotten")
			require.Len(t, table.entries, 1500)
		})
	}
	require.Empty(t, new(watchTable).setAgain(1, maxRewatch))
}

func checkFrames(t *testing.T, frames [][]byte, limit int, want map[string]string) {
	t.Helper()
	const one = wire.SetWatchesHeader + 4 + len("/locks/") + 40
	got := make(map[string]string)
	lasting, full := 0, 0
	for _, f := range frames {
		require.LessOrEqual(t, wire.Size(f), max(limit, one))
		zxid, w := watchesIn(t, f)
		require.EqualValues(t, 77, zxid)
		if w.Lasting() {
			lasting++
			require.Empty(t, w.Data)
			require.Empty(t, w.Exist)
			require.Empty(t, w.Child)
		} else {
			require.Zero(t, lasting, "persistent ones come last")
			full++
		}
		for what, paths := range map[string][]string{
			wire.OpGetData.String(): w.Data, wire.OpExists.String(): w.Exist, wire.OpGetChildren2.String(): w.Child,
			"false": w.Persistent, "true": w.Recursive,
		} {
			for _, path := range paths {
				require.Empty(t, got[path], "twice")
				got[path] = what
			}
		}
	}
	require.Equal(t, want, got)
	per := max(1, (limit-wire.SetWatchesHeader)/(one-wire.SetWatchesHeader))
	require.Equal(t, (1500+per-1)/per, full, "no more requests than needed")
	require.Equal(t, (200+per-1)/per, lasting, "no more requests than needed")
}

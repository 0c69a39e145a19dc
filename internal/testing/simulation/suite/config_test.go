package suite_test

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// deletedValue is what readers see while the node of the value does not exist.
const deletedValue = -1

// configs reads and writes values. Another client writes, deletes and creates
// the node of one of them. A reader sees only committed values, never goes back,
// sees its own writes, and has the last value in the end.
func configs() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		var mu sync.Mutex
		committed := make(map[int64]string)
		w.Srv.OnChange(func(c zktest.Change) {
			mu.Lock()
			defer mu.Unlock()
			if c.Path == "/a/value" && c.Kind != zktest.Deleted {
				committed[c.Zxid] = string(c.Data)
			}
		})
		w.Put("/a/value", "0")
		w.Put("/a/tree/x", "0")
		w.Put("/a/tree/y", "0")
		var values []*config.Value[int]
		var trees []*config.Tree[int]
		for _, p := range w.Procs() {
			v, err := config.Open(w.Context(), p.Manager, "/a/value", config.JSON[int](), config.Default(deletedValue))
			if err != nil {
				w.Fatal(err)
			}
			tree, err := config.OpenTree(w.Context(), p.Manager, "/a/tree", config.JSON[int]())
			if err != nil {
				w.Fatal(err)
			}
			values, trees = append(values, v), append(trees, tree)
			w.Go(p, "reader", func(a *simulation.Actor) {
				var newest int64
				for snap, err := range v.Changes(a.Ctx) {
					a.Step()
					if err != nil {
						w.Break("errors", "a value: %v", err)
						continue
					}
					if !snap.Exists {
						if snap.Value != deletedValue {
							w.Break("the default", "without a node the value is %d", snap.Value)
						}
						continue
					}
					mu.Lock()
					data, found := committed[snap.Zxid]
					mu.Unlock()
					if !found || data != strconv.Itoa(snap.Value) {
						w.Break("nothing is made up", "the value %d of zxid %d was never committed", snap.Value, snap.Zxid)
					}
					if snap.Zxid <= newest {
						w.Break("nothing goes back", "a value goes from zxid %d to %d", newest, snap.Zxid)
					}
					newest = snap.Zxid
					a.Sleep(a.Ctx, time.Second)
				}
			})
			w.Go(p, "treereader", func(a *simulation.Actor) {
				newest := make(map[string]int64)
				for snap, err := range tree.Changes(a.Ctx) {
					a.Step()
					if err != nil {
						w.Break("errors", "a tree: %v", err)
						continue
					}
					for key := range snap.All() {
						if key.Zxid < newest[key.Key] {
							w.Break("nothing goes back", "key %s goes from zxid %d to %d", key.Key, newest[key.Key], key.Zxid)
						}
						newest[key.Key] = key.Zxid
					}
					if x, y := snap.Lookup("x"), snap.Lookup("y"); !snap.Torn && x != nil && y != nil && x.Value != y.Value {
						w.Break("one instant", "keys that are written together differ: %d and %d", x.Value, y.Value)
					}
				}
			})
			w.Go(p, "writer", func(a *simulation.Actor) {
				store := config.NewStore(p.Manager, "/a/tree")
				for n := 0; a.Going(); n++ {
					ctx, cancel := a.Within(10 * time.Second)
					if a.One(2) {
						snap, err := v.Update(ctx, func(n int) (int, error) { return n + 1, nil })
						if fine(a, ctx, "update", err, session.ErrUnknownOutcome, session.ErrRecreated) && ctx.Err() == nil && v.Err() == nil {
							if now := v.Load(); now.Exists && now.Zxid < snap.Zxid {
								w.Break("own writes", "after a write of zxid %d the value has zxid %d", snap.Zxid, now.Zxid)
							}
						}
					} else {
						data := []byte(fmt.Sprint(p.Index*1000 + n))
						err := store.Publish(ctx, config.SetKey("x", data, session.AnyVersion), config.SetKey("y", data, session.AnyVersion))
						fine(a, ctx, "publish", err, session.ErrUnknownOutcome)
					}
					cancel()
					a.Sleep(a.Ctx, 3*time.Second)
				}
			})
		}
		w.Go(w.Procs()[0], "stranger", func(a *simulation.Actor) {
			for n := 0; a.Going(); n++ {
				if a.One(4) {
					_ = w.Srv.Remove("/a/value") // perhaps it is deleted already
				} else if err := w.Srv.Put("/a/value", []byte(strconv.Itoa(1_000_000+n))); err != nil {
					w.Break("errors", "a write without a client: %v", err)
				}
				a.Sleep(a.Ctx, 5*time.Second)
			}
		})
		w.AtEnd(func() {
			time.Sleep(10 * time.Minute)
			x := w.Data("/a/tree/x")
			want := config.Snapshot[int]{Value: deletedValue}
			if node, found := w.Srv.Node("/a/value"); found {
				n, _ := strconv.Atoi(string(node.Data)) // only numbers are written
				want = config.Snapshot[int]{Value: n, Exists: true, Version: node.Stat.Version, Zxid: node.Stat.Mzxid,
					ModTime: time.UnixMilli(node.Stat.Mtime)}
			}
			for i := range values {
				if got := *values[i].Load(); got != want || values[i].Stale() || values[i].Err() != nil {
					w.Break("converges", "process %d has %+v (stale: %v, %v), and it is %+v", i, got, values[i].Stale(), values[i].Err(), want)
				}
				if got := strconv.Itoa(trees[i].Load().Value("x")); got != x {
					w.Break("converges", "process %d has the key %s, and it is %s", i, got, x)
				}
				_, _ = values[i].Close(), trees[i].Close()
			}
			if len(committed) < 3 {
				w.Break("progress", "no value was written")
			}
		})
	}, Forced: true, Keeps: []string{"/a/value", "/a/tree"}, Watches: -1}
}

func TestConfigSimulation(t *testing.T) { simulation.Run(t, seeds, configs()) }

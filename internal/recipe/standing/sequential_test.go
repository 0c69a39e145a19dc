package standing_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/standing"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

func TestHardCase28_SequentialRemovesItsOwn(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		ka, kb := open(a, sequential), open(b, sequential)
		require.Equal(w, []string{"a0000000000", "a0000000001"}, w.Children("/services"))
		require.Equal(w, "/services/a0000000000", ka.State().Path)
		require.NoError(w, ka.Close(w.Context()))
		require.Equal(w, []string{"a0000000001"}, w.Children("/services"))

		// Each session has one node, with its own number.
		for range 5 {
			kb.expire()
			require.Len(w, w.Children("/services"), 1)
			require.Equal(w, "/services/"+w.Children("/services")[0], kb.State().Path)
		}
		require.NoError(w, kb.Set(w.Context(), []byte("v2")))
		require.Equal(w, "v2", w.Data(kb.State().Path))
		require.NoError(w, kb.Close(w.Context()))
		require.Empty(w, w.Children("/services"))
	})
}

// The ghost of the previous session does not exist beside the new node.
func TestHardCase28_SequentialGhost(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process(testworld.Timeout(12 * time.Second))
		k := open(p, sequential)
		old := p.Current()
		p.Link.Cut(zktest.Both)
		<-old.Done()
		p.Link.Heal()
		k.stands()
		require.Equal(w, []string{"a0000000001"}, w.Children("/services"))
	})
}

func createsOf(prefix string) func(zktest.Request) bool {
	return func(r zktest.Request) bool { return r.Op == zktest.OpCreate && strings.HasPrefix(r.Path, prefix) }
}

// The answer to a sequential create is lost. The node has no mark of ours: it
// is found by its owner, among other clients' nodes with similar names.
func TestHardCase28_SequentialReplyLost(t *testing.T) {
	for name, what := range map[string]zktest.Action{"done": zktest.LoseReply, "not done": zktest.DropRequest} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				other := open(w.Process(), sequential)
				p := w.Process()
				for _, stranger := range []string{"a", "a1", "a00000000010", "ab0000000001", "a-000000000", "b0000000007"} {
					w.Put("/services/"+stranger, "stranger")
				}
				_, err := p.Core().Create(w.Context(), path+"b0000000009", nil, core.Ephemeral) // owned by our session, but not this node
				require.NoError(w, err)
				before := w.Children("/services")
				w.Once(createsOf(path), func() zktest.Action { return what })
				k := open(p, sequential, data("v2"))
				require.Len(w, w.Children("/services"), len(before)+1)
				require.Equal(w, p.Current().ID(), owner(w, k.State().Path))
				require.Equal(w, "v2", w.Data(k.State().Path))
				require.NoError(w, k.Close(w.Context()))
				require.Equal(w, before, w.Children("/services"))
				require.Equal(w, []string{"stands"}, other.take())
			})
		})
	}
}

// The read after the create asks a lagging follower, which has to catch up
// first.
func TestHardCase06_SequentialLaggingFollower(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		require.NoError(w, p.EnsureDir(w.Context(), "/services"))
		w.Once(createsOf(path), func() zktest.Action {
			w.Srv.Lag(p.Current().ID())
			return zktest.LoseReply
		})
		k := open(p, sequential)
		require.Len(w, w.Children("/services"), 1)
		require.NoError(w, k.Close(w.Context()))
		require.Empty(w, w.Children("/services"))
	})
}

// Two keepers of one process lose the answers of the same prefix. Each ends
// with a node of its own, and none is left over.
func TestHardCase28_TwoSequentialRepliesLost(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		require.NoError(w, p.EnsureDir(w.Context(), "/services"))
		lost := 0
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if createsOf(path)(r) && lost < 3 {
				lost++
				return zktest.LoseReply
			}
			return zktest.Pass
		})
		nodes := make(chan *kept, 8)
		for i := range 8 {
			go func() { nodes <- open(p, sequential, data(string(rune('a'+i)))) }()
		}
		seen := make(map[string]bool)
		var all []*kept
		for range 8 {
			k := <-nodes
			all = append(all, k)
			seen[k.State().Path] = true
		}
		require.Len(w, seen, 8)
		require.Len(w, w.Children("/services"), 8)
		held := make(map[string]bool)
		for name := range seen {
			held[w.Data(name)] = true
		}
		require.Len(w, held, 8, "each node holds its keeper's data")
		for _, k := range all {
			require.NoError(w, k.Close(w.Context()))
		}
		require.Empty(w, w.Children("/services"))
	})
}

// A keeper gives up while the outcome of its create is unknown. It looks for
// the node and removes it.
func TestHardCase28_SequentialGivenUpInDoubt(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		require.NoError(w, p.EnsureDir(w.Context(), "/services"))
		w.Put("/services/stay", "")
		w.Once(createsOf(path), func() zktest.Action {
			p.Link.Refuse(true)
			return zktest.LoseReply
		})
		_, err := tryOpen(w.Within(time.Second), p, sequential)
		require.Error(w, err)
		require.Len(w, w.Children("/services"), 2)
		p.Link.Refuse(false)
		time.Sleep(4 * time.Second)
		require.Equal(w, []string{"stay"}, w.Children("/services"))
	})
}

// The sequential name has nothing before the number.
func TestSequentialWithoutName(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		k := open(w.Process(), sequential, func(cfg *standing.Config) { cfg.Path = "/ids/" })
		require.Equal(w, "/ids/0000000000", k.State().Path)
		w.Remove(k.State().Path)
		synctest.Wait()
		require.Equal(w, "/ids/0000000001", k.stands().Path)
	})
}

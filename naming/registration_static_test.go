package naming_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func static(address string) naming.Instance {
	in := at("db", address)
	in.Type = naming.Static
	return in
}

// An Unregister that is cut off goes on in the background. It does not remove
// the instance that was registered after it, by whichever process.
func TestFault20_UnregisterUnderWay(t *testing.T) {
	for _, c := range []struct {
		name     string
		same     bool // the process that unregisters registers again
		metadata string
	}{{"same process", true, ""}, {"other process", false, ""}, {"same process, other data", true, "x"}, {"other process, other data", false, "x"}} {
		t.Run(c.name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				a, b := w.Process(), w.Process()
				g := register(a, static("h1"))
				// The removal gets no further than to its first request.
				blocked := make(chan struct{})
				w.Once(func(r zktest.Request) bool {
					return r.Session == a.Current().ID() && (r.Op == zktest.OpSync || r.Op == zktest.OpDelete) && strings.HasPrefix(r.Path, orders)
				}, func() zktest.Action { close(blocked); return zktest.Delay(5 * time.Second) })
				require.Error(w, g.Unregister(w.Within(time.Second)))
				<-blocked
				next := b
				if c.same {
					next = a
				}
				in := static("h1")
				if c.metadata != "" {
					in.Metadata = map[string]string{"k": c.metadata}
				}
				h := register(next, in)
				time.Sleep(time.Minute)
				require.True(w, h.State().In)
				require.Equal(w, []string{"db"}, w.Children(orders), "the later registration stands")
				require.NoError(w, h.Drain(w.Context()))
				require.Contains(w, w.Data(orders+"/db"), "draining")
				require.NoError(w, g.Unregister(w.Context()))
				require.Equal(w, []string{"db"}, w.Children(orders))
				require.NoError(w, h.Unregister(w.Context()))
				require.Empty(w, w.Children(orders))
			})
		})
	}
}

// The delete itself is on its way while the next registration comes.
func TestFault20_DeleteOnItsWay(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		g := register(a, static("h1"))
		busy := make(chan struct{})
		w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpDelete && r.Path == orders+"/db" },
			func() zktest.Action { close(busy); return zktest.Delay(5 * time.Second) })
		require.Error(w, g.Unregister(w.Within(time.Second)))
		<-busy
		h := register(b, static("h1"))
		time.Sleep(time.Minute)
		require.Equal(w, []string{"db"}, w.Children(orders))
		require.True(w, h.State().In)
		select {
		case <-g.Done():
		default:
			require.FailNow(w, "the first registration has not ended")
		}
	})
}

// An update of a registration that another one has replaced does not change the
// other's instance.
func TestFault20_UpdateAfterAReplacement(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		g := register(a, static("h1"))
		register(b, static("h2"), naming.Replace())
		require.ErrorIs(w, g.Drain(w.Context()), session.ErrNoNode)
		require.NotContains(w, w.Data(orders+"/db"), "draining")
		require.NoError(w, g.Unregister(w.Context()))
		require.Contains(w, w.Data(orders+"/db"), "h2")
	})
}

// If a registration takes over an existing instance, watchers see no change.
func TestFault20_TakingUpIsNotSeen(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		register(a, static("h1"))
		s := watch(w.Process())
		o := observe(w, s)
		o.take()
		register(b, static("h1"))
		require.Empty(w, o.take())
		require.Equal(w, "db=h1", settled(s))
	})
}

// A process that may write the instance, and not delete it, takes it up all the
// same.
func TestFault20_TakingUpWithoutTheRightToDelete(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		register(w.Process(), static("h1"))
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpMulti {
				return zktest.Fail(zktest.CodeNoAuth)
			}
			return zktest.Pass
		})
		in := static("h1")
		in.Metadata = map[string]string{"v": "2"}
		register(w.Process(), in)
		require.Contains(w, w.Data(orders+"/db"), `"v":"2"`)
	})
}

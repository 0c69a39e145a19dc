package naming_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// An Update that is refused leaves the instance as it was, for every kind of
// registration. The next Update starts from that state.
func TestFault23_RefusedUpdateChangesNothing(t *testing.T) {
	for _, c := range []struct {
		name  string
		codec naming.Codec
		kind  naming.ServiceType
	}{
		{"dynamic", naming.Curator(), naming.Dynamic},
		{"sequential", naming.Curator(), naming.DynamicSequential},
		{"static", naming.Curator(), naming.Static},
		{"permanent", naming.Spring(), naming.Permanent},
		{"dubbo", naming.Dubbo(), naming.Dynamic},
		{"dubbo permanent", naming.Dubbo(), naming.Permanent},
	} {
		t.Run(c.name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				in := at("o1", "h1")
				in.Type = c.kind
				g, err := registry(p, naming.Layout(c.codec)).Register(w.Context(), in)
				require.NoError(w, err)
				before := g.Instance()
				for _, bad := range []func(*naming.Instance){
					func(in *naming.Instance) { in.Metadata = map[string]string{"k": strings.Repeat("x", 2<<20)} },
					func(in *naming.Instance) { in.Port = 1 << 20 },
					func(in *naming.Instance) { in.Metadata = map[string]string{"": "v"} },
				} {
					in := g.Instance()
					bad(&in)
					require.Error(w, g.Update(w.Context(), in))
					require.True(w, before.Equal(g.Instance()))
				}
				require.True(w, g.State().In)
				require.NoError(w, g.Drain(w.Context()))
				require.True(w, g.Instance().Draining)
				require.NoError(w, g.Undrain(w.Context()))
				require.True(w, before.Equal(g.Instance()))
				if c.kind == naming.Dynamic {
					p.Expire()
					time.Sleep(time.Minute)
					require.True(w, before.Equal(g.Instance()))
					require.True(w, g.State().In)
				}
			})
		})
	}
}

// While the refused Update is under way, it does not show.
func TestFault23_RefusedUpdateNeverShows(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		g := register(w.Process(), static("h1"))
		stop := w.Fail(zktest.OpSetData, orders+"/db", zktest.CodeNoAuth)
		in := g.Instance()
		in.Address = "h2"
		require.Error(w, g.Update(w.Context(), in))
		require.Equal(w, "h1", g.Instance().Address)
		in.Metadata = map[string]string{"k": strings.Repeat("x", 2<<20)}
		require.ErrorIs(w, g.Update(w.Context(), in), session.ErrTooLarge)
		require.Equal(w, "h1", g.Instance().Address)
		stop()
		require.NoError(w, g.Drain(w.Context()))
		require.Contains(w, w.Data(orders+"/db"), "h1")
	})
}

// An Update that a server refuses is not written later, for no kind of
// instance.
func TestFault23_RefusedUpdateIsNotWrittenLater(t *testing.T) {
	for _, kind := range []naming.ServiceType{naming.Dynamic, naming.DynamicSequential, naming.Static} {
		testworld.Run(t, func(w *testworld.World) {
			p := w.Process()
			in := at("o1", "h1")
			in.Type = kind
			g := register(p, in)
			before := g.Instance()
			stop := w.Fail(zktest.OpSetData, g.Path(), zktest.CodeNoAuth)
			in = before
			in.Address = "h2"
			require.ErrorIs(w, g.Update(w.Context(), in), session.ErrNoAuth)
			require.True(w, before.Equal(g.Instance()))
			require.ErrorIs(w, g.Drain(w.Context()), session.ErrNoAuth)
			require.False(w, g.Instance().Draining)
			stop()
			time.Sleep(time.Hour)
			require.Contains(w, w.Data(g.Path()), "h1")
			p.Expire()
			time.Sleep(time.Hour)
			require.Contains(w, w.Data(g.Path()), "h1")
			require.NotContains(w, w.Data(g.Path()), "draining")
		})
	}
}

// An Update whose ctx ends first was not refused: it is written when that can
// be done, and Instance tells it.
func TestFault23_PendingUpdate(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		g := register(p, at("o1", "h1"))
		in := g.Instance()
		in.Address = "h2"
		p.Link.Cut(zktest.Both)
		require.ErrorIs(w, g.Update(w.Within(time.Millisecond), in), context.DeadlineExceeded)
		require.Equal(w, "h2", g.Instance().Address)
		p.Link.Heal()
		time.Sleep(time.Hour)
		require.Contains(w, w.Data(g.Path()), "h2")
	})
}

package naming_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

func TestServicesAndSetDraining(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		r := registry(p)
		names, err := r.Services(w.Context())
		require.NoError(w, err)
		require.Empty(w, names)
		register(p, at("o1", "h1"))
		register(p, naming.Instance{Service: "50%+", ID: "x"})
		names, err = r.Services(w.Context())
		require.NoError(w, err)
		require.Equal(w, []string{"50%+", "orders"}, names)

		s := watch(q)
		require.NoError(w, registry(q).SetDraining(w.Context(), "orders", "o1", true))
		require.Equal(w, "o1=h1~", settled(s))
		counts := w.Count(func() { require.NoError(w, registry(q).SetDraining(w.Context(), "orders", "o1", true)) })
		require.Zero(w, counts["setData"])
		require.NoError(w, registry(q).SetDraining(w.Context(), "orders", "o1", false))
		require.Equal(w, "o1=h1", settled(s))
		require.ErrorIs(w, r.SetDraining(w.Context(), "orders", "none", true), session.ErrNoNode)
		w.Put(orders+"/bad", "no JSON")
		var bad *naming.MalformedError
		require.ErrorAs(w, r.SetDraining(w.Context(), "orders", "bad", true), &bad)
		require.Equal(w, "no JSON", w.Data(orders+"/bad"))
		require.ErrorContains(w, r.SetDraining(w.Context(), "orders", "a/b", true), "a/b")
	})
}

package naming_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// Refuse must not lose against a Replace, which takes a live instance's place.
func TestRefuseAndReplaceExcludeEachOther(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		in := naming.Instance{Service: "orders", ID: "i1", Address: "10.0.0.1", Port: 80}
		first, err := registry(w.Process()).Register(w.Context(), in)
		require.NoError(w, err)
		r := registry(w.Process())
		for _, opts := range [][]naming.RegisterOption{
			{naming.Refuse(), naming.Replace()}, {naming.Replace(), naming.Refuse()},
		} {
			_, err := r.Register(w.Context(), in, opts...)
			require.ErrorContains(w, err, "the options Refuse and Replace exclude each other; give one of them")
		}
		require.True(w, first.State().In)
	})
}

// The operation of an error is what the caller wanted.
func TestSetDrainingNamesItsDirection(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		for draining, op := range map[bool]string{true: "drain instance ", false: "undrain instance "} {
			err := registry(w.Process()).SetDraining(w.Context(), "orders", "none", draining)
			require.ErrorIs(w, err, session.ErrNoNode)
			require.Regexp(w, "^"+op+"/services/orders/none: ", err.Error())
		}
	})
}

func TestBadPathFailsEveryCall(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.EveryCallFails(naming.NewRegistry(w.Process().Manager, naming.Base("a")), "a path")
		w.EveryCallFails(naming.NewNames(w.Process().Manager, "a", ""), "a path")
	})
}

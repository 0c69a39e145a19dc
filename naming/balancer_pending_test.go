package naming_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

func TestLeastPending(t *testing.T) {
	all := instances(4)
	all[3].Weight = 2
	b := naming.NewBalancer(naming.NewList(all...), naming.LeastPending())
	var held []naming.Picked[naming.Instance]
	for range 50 {
		p, err := b.Pick("")
		require.NoError(t, err)
		held = append(held, p)
	}
	for i, want := range []int{10, 10, 10, 20} {
		require.InDelta(t, want, b.Pending(all[i].ID), 1, "pending calls follow the weights")
	}
	for i := range held {
		if held[i].Item.ID == "i0002" {
			held[i].Done(nil)
			held[i].Done(nil) // counts once
		}
	}
	require.Zero(t, b.Pending("i0002"))
	require.Equal(t, "i0002", pick(t, b, ""))
	require.Zero(t, b.Pending("nobody"))

	// Of many, two are compared: no instance gets far ahead.
	b = naming.NewBalancer(naming.NewList(instances(100)...), naming.SeededLeastPending(rand.New(rand.NewPCG(1, 1)).Uint64))
	for range 2000 {
		_, err := b.Pick("")
		require.NoError(t, err)
	}
	for _, in := range instances(100) {
		require.InDelta(t, 20, b.Pending(in.ID), 5, in.ID)
	}
}

// Of many instances too, calls under way follow the weights: a heavy instance is
// among the two that are compared often enough.
func TestLeastPendingHonoursWeightsOfMany(t *testing.T) {
	all := instances(100)
	all[42].Weight = 50
	b := naming.NewBalancer(naming.NewList(all...), naming.SeededLeastPending(rand.New(rand.NewPCG(1, 1)).Uint64))
	for range 149 * 20 {
		hold(t, b, "")
	}
	require.InEpsilon(t, 50*20, b.Pending("i0042"), 0.1)
	for _, in := range all {
		if in.ID != "i0042" {
			require.InDelta(t, 20, b.Pending(in.ID), 6, in.ID)
		}
	}
}

// One call after the other, so that all are idle: chance decides, by the weights.
func TestLeastPendingOfEquals(t *testing.T) {
	testworld.Sequential(t)
	for _, n := range []int{4, 16, 17, 60} {
		all, total := instances(n), 0
		for i := range all {
			all[i].Weight = 1 + i%4
			total += all[i].Weight
		}
		b := naming.NewBalancer(naming.NewList(all...), naming.SeededLeastPending(rand.New(rand.NewPCG(1, 2)).Uint64))
		got := counts(t, b, total*1000)
		for _, in := range all {
			require.InEpsilon(t, 1000*in.Weight, got[in.ID], 0.15, "%d instances: %s of weight %d", n, in.ID, in.Weight)
		}
	}
	// Idle elements share the calls equally, even if the busy ones are
	// neighbours.
	b := naming.NewBalancer(naming.NewList(instances(8)...), naming.SeededLeastPending(rand.New(rand.NewPCG(1, 3)).Uint64))
	for _, id := range []string{"i0001", "i0002", "i0003", "i0006"} {
		for b.Pending(id) == 0 {
			if p := hold(t, b, ""); p.Item.ID != id {
				p.Done(nil)
			}
		}
	}
	got := counts(t, b, 4000)
	require.Len(t, got, 4)
	for id, c := range got {
		require.InEpsilon(t, 1000, c, 0.15, id)
	}
}

// A retry within one call leaves out what has just failed, although that is idle
// and heavy, and although its failures are forgotten.
func TestLeastPendingLeavesOutWhatFailedThisCall(t *testing.T) {
	for _, n := range []int{3, 40} {
		all := instances(n)
		all[1].Weight = 1000
		b := naming.NewBalancer(naming.NewList(all...), naming.LeastPending())
		for range 100 {
			p, err := b.PickOther("", "i0001")
			require.NoError(t, err)
			require.NotEqual(t, "i0001", p.Item.ID)
			q, err := b.PickOther("", "i0001", p.Item.ID)
			require.NoError(t, err)
			require.NotContains(t, []string{"i0001", p.Item.ID}, q.Item.ID)
			p.Done(errors.New("refused"))
			q.Done(nil)
		}
	}
}

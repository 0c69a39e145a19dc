package naming_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
)

// A failed call weighs against its instance for a while, and no longer.
func TestFault26_FailuresWeighForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := naming.NewBalancer(naming.NewList(at("bad", "h1"), at("good", "h2")), naming.LeastPending())
		calls := func(n int) (bad int) {
			for range n {
				p, err := b.Pick("")
				require.NoError(t, err)
				if p.Item.ID == "bad" {
					bad++
					p.Done(errors.New("broken"))
					continue
				}
				p.Done(nil)
			}
			return bad
		}
		require.LessOrEqual(t, calls(1000), 1)
		time.Sleep(time.Minute)
		require.LessOrEqual(t, calls(1000), 1, "it gets another chance, once")
		time.Sleep(time.Minute)
		seen := make(map[string]int)
		for range 1000 {
			p, err := b.Pick("")
			require.NoError(t, err)
			seen[p.Item.ID]++
			p.Done(nil)
		}
		require.Greater(t, seen["bad"], 300, "it is well again")
	})
}

// However often it failed, an instance gets calls when the others have far more
// to do.
func TestFault26_TheWeightOfFailuresIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := naming.NewList(at("bad", "h1"))
		b := naming.NewBalancer(list, naming.LeastPending())
		for range 100 {
			p, err := b.Pick("")
			require.NoError(t, err)
			p.Done(errors.New("broken"))
		}
		list.Set([]naming.Instance{at("bad", "h1"), at("good", "h2")})
		for range 200 {
			_, err := b.Pick("")
			require.NoError(t, err)
		}
		require.Greater(t, b.Pending("bad"), 50)
		require.Greater(t, b.Pending("good"), b.Pending("bad"))
	})
}

// PickOther finds an element that was not tried, by every strategy, even if all
// are marked down, and returns an error when none are left.
func TestFault26_PickOther(t *testing.T) {
	for _, strategy := range []naming.Strategy{naming.RoundRobin(), naming.Random(), naming.Weighted(), naming.LeastPending(),
		naming.Hash(), naming.Sticky(naming.Hash())} {
		for _, down := range []bool{false, true} {
			t.Run(strategy.String(), func(t *testing.T) {
				ids := []string{"a", "b", "c", "d"}
				b := naming.NewBalancer(naming.NewList(at("a", "h"), at("b", "h"), at("c", "h"), at("d", "h")), strategy)
				for _, id := range ids {
					if down {
						b.MarkDown(id, time.Hour)
					}
				}
				var tried []string
				for range ids {
					p, err := b.PickOther("key", tried...)
					require.NoError(t, err)
					require.NotContains(t, tried, p.Item.ID)
					tried = append(tried, p.Item.ID)
					p.Done(errors.New("broken"))
				}
				_, err := b.PickOther("key", tried...)
				require.ErrorIs(t, err, naming.ErrNoInstance)
				require.ErrorContains(t, err, "all 4 were tried, "+strings.Join(tried, ", "))
				require.Zero(t, b.Pending("a"))
			})
		}
	}
}

package barrier_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// A round never runs with fewer members than one of its members asks for. The
// member that came first decides, whether its count is the smaller or the
// greater.
func TestMembersWithDifferentCounts(t *testing.T) {
	for name, counts := range map[string][]int{
		"the smaller comes last":  {3, 3, 2, 3},
		"the smaller comes first": {2, 3, 2},
		"the greater comes last":  {2, 3, 3, 2},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				var calls []*testworld.Call[*barrier.Visit]
				for i, n := range counts {
					calls = append(calls, enter(w.Process(), n, string(rune('a'+i))))
					time.Sleep(time.Second)
				}
				for i, n := range counts {
					v, err := calls[i].Result()
					if n == counts[0] {
						require.NoError(t, err)
						v.Release()
						continue
					}
					require.ErrorIs(t, err, barrier.ErrCount)
					require.NotErrorIs(t, err, barrier.ErrFull)
					require.ErrorContains(t, err, "; give all members the same count")
				}
			})
		})
	}
}

// Members with another count that came later do not count, even if none of them
// could see that theirs is another: a member of another library has the lowest
// name.
func TestMembersWithAnotherCountDoNotCount(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := enter(w.Process(), 3, "a")
		come(w.Process(), "00000000-0000-0000-0000-000000000000", "")
		c := enter(w.Process(), 4, "c")
		time.Sleep(time.Second)
		b := enter(w.Process(), 3, "b")
		a.Get().Release()
		b.Get().Release()
		_, err := c.Result()
		require.ErrorIs(t, err, barrier.ErrCount)
	})
}

// A member that comes to a full round of another number is told the reason.
func TestRoundOfAnotherCount(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := enter(w.Process(), 2, "a"), enter(w.Process(), 2, "b")
		defer a.Get().Release()
		defer b.Get().Release()
		_, err := barrier.NewDouble(w.Process().Manager, dir, 3).Enter(w.Context())
		require.ErrorIs(t, err, barrier.ErrCount)
	})
}

// A round that a member of an older release began with fewer members does not
// take in a member that asks for more.
func TestRoundOfAnotherCountNamesUs(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := testworld.Go(w, func(ctx context.Context) (int, error) {
			_, err := barrier.NewDouble(w.Process().Manager, dir, 3, barrier.ID("a")).Enter(ctx)
			return 0, err
		})
		w.Put(dir+"/member-b", "")
		w.Put(ready, `{"round":1,"members":["member-a","member-b"]}`)
		_, err := a.Result()
		require.ErrorIs(t, err, barrier.ErrCount)
	})
}

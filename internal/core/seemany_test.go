package core_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// SeeMany is See of each node, in few requests.
func TestSeeMany(t *testing.T) {
	for name, opts := range map[string][]zktest.Option{
		"one by one": {zktest.Version(zktest.V35)}, "the stat is for all": {zktest.Version(zktest.V38)},
		"exists asks for the right to read": {zktest.Version(zktest.V39)},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				const many = 1000
				paths := make([]string, many)
				for i := range paths {
					paths[i] = fmt.Sprintf("/d/n%04d", i)
					if i != 7 {
						w.Put(paths[i], fmt.Sprint(i))
					}
				}
				w.Shut(paths[8])
				p := w.Process()
				var all []*core.Sighting
				counts := w.Count(func() {
					var err error
					all, err = p.Core().SeeMany(w.Context(), paths)
					require.NoError(w, err)
				})
				if name != "one by one" {
					require.LessOrEqual(w, counts["multiRead"], 4)
					require.Equal(w, 1, counts["exists"])
					require.Len(w, counts, 2)
				}
				require.Len(w, all, many)
				for i, seen := range all {
					one, err := p.Core().See(w.Context(), paths[i])
					if i == 7 {
						require.Nil(w, seen)
						require.ErrorIs(w, err, core.ErrNoNode)
						continue
					}
					require.NoError(w, err)
					require.Equal(w, one, *seen)
				}
				_, err := p.Core().SeeMany(testworld.Cancelled(), paths)
				require.ErrorIs(w, err, testworld.Cancelled().Err())
				_, err = p.Core().SeeMany(w.Context(), []string{"bad"})
				require.ErrorContains(w, err, "bad")
				none, err := p.Core().SeeMany(w.Context(), nil)
				require.NoError(w, err)
				require.Empty(w, none)
			}, opts...)
		})
	}
}

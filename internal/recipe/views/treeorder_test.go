package views

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
)

// The root is created between its list and its data, which are read at once. In
// either order of the answers, the tree lists it at last.
func TestRootMadeBetweenListAndData(t *testing.T) {
	for name, listFirst := range map[string]bool{"list first": true, "data first": false} {
		t.Run(name, func(t *testing.T) {
			tree := newTree(nil, TreeConfig{Path: "/dir", Depth: 1})
			tree.begin()
			data, list := tree.ask(tree.root, ofData), tree.ask(tree.root, ofList)
			there, gone := answer{reading: data}, answer{reading: list, err: core.ErrNoNode}
			var more []*reading
			if listFirst {
				more = append(tree.take(gone), tree.take(there)...)
			} else {
				more = append(tree.take(there), tree.take(gone)...)
			}
			for r := range tree.dirty {
				more = append(more, r)
			}
			require.Len(t, more, 1)
			require.Equal(t, ofList, more[0].part)
			require.True(t, more[0].current())
		})
	}
}

// The root is missing: its list is not read until its data shows its creation,
// in any order of the answers.
func TestRootMissing(t *testing.T) {
	for name, listFirst := range map[string]bool{"list first": true, "data first": false} {
		t.Run(name, func(t *testing.T) {
			tree := newTree(nil, TreeConfig{Path: "/dir", Depth: 1})
			tree.begin()
			data, list := tree.ask(tree.root, ofData), tree.ask(tree.root, ofList)
			missing, gone := answer{reading: data, missing: true}, answer{reading: list, err: core.ErrNoNode}
			if listFirst {
				require.Empty(t, append(tree.take(gone), tree.take(missing)...))
			} else {
				require.Empty(t, append(tree.take(missing), tree.take(gone)...))
			}
			require.Empty(t, tree.dirty)
			require.Nil(t, tree.root.now[ofList])
		})
	}
}

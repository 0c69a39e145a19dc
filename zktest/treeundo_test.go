package zktest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestTreeUndo checks that undoing a random change leaves the tree as it was.
func TestTreeUndo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := newTree(releases[V35])
		zxid := int64(0)
		change := func(label string) change {
			zxid++
			path := rapid.SampledFrom([]string{"/a", "/b", "/a/x", "/a/y", "/a/x/p"}).Draw(t, label)
			kind := rapid.SampledFrom([]ChangeKind{Created, Deleted, DataChanged, ACLChanged, changeSequence}).Draw(t, label+" kind")
			n, parent := tr.nodes[path], tr.nodes[func() string { p, _, _ := splitPath(path); return p }()]
			if n == nil && parent == nil || n == nil && kind != Created || n != nil && kind == Created || kind == Deleted && len(n.children) > 0 {
				kind = noChange
			}
			node := rapid.SampledFrom([]nodeKind{kindPersistent, kindEphemeral, kindContainer, kindTTL}).Draw(t, label+" node")
			c := changeOf(kind, path, zxid)
			c.node, c.owner = node, rapid.Int64Range(1, 2).Draw(t, label+" owner")
			return c
		}
		for range rapid.IntRange(0, 20).Draw(t, "steps") {
			c := change("step")
			tr.apply(&c)
		}
		before := tr.clone()
		c := change("undone")
		tr.apply(&c)()
		for _, n := range tr.nodes {
			if len(n.children) == 0 {
				n.children = nil
			}
		}
		for _, n := range before.nodes {
			if len(n.children) == 0 {
				n.children = nil
			}
		}
		require.Equal(t, before.nodes, tr.nodes)
		require.Equal(t, before.ephemerals, tr.ephemerals)
		require.Equal(t, before.mortal, tr.mortal)
	})
}

func changeOf(kind ChangeKind, path string, zxid int64) change {
	return change{kind: kind, path: path, zxid: zxid, time: zxid, data: []byte{byte(zxid)}, version: int32(zxid)}
}

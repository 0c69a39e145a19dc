package zktest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestJuteRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i, l := rapid.Int32().Draw(t, "int"), rapid.Int64().Draw(t, "long")
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "buffer")
		ss := rapid.SliceOf(rapid.String()).Draw(t, "strings")
		acl := rapid.SliceOf(rapid.Custom(func(t *rapid.T) ACL {
			return ACL{Perms: rapid.Int32().Draw(t, "perms"), Scheme: rapid.String().Draw(t, "scheme"), ID: rapid.String().Draw(t, "id")}
		})).Draw(t, "acl")
		flag := rapid.Bool().Draw(t, "bool")
		e := newEncoder()
		e.int32(i)
		e.int64(l)
		e.buffer(b)
		e.strings(ss)
		e.acls(acl)
		e.bool(flag)
		f := e.frame()
		d := &decoder{buf: f}
		require.EqualValues(t, len(f)-4, d.int32())
		require.Equal(t, i, d.int32())
		require.Equal(t, l, d.int64())
		require.Equal(t, b, d.buffer())
		require.Equal(t, ss, d.strings())
		require.Equal(t, acl, d.acls())
		require.Equal(t, flag, d.bool())
		require.NoError(t, d.err)
		require.Empty(t, d.buf)
		d.int64()
		require.Error(t, d.err)
	})
}

// TestLengthsThatLie pins that no length allocates more than the record holds.
func TestLengthsThatLie(t *testing.T) {
	huge := []byte{0x7f, 0xff, 0xff, 0xff, 1, 2, 3}
	for _, read := range []func(*decoder){
		func(d *decoder) { d.buffer() }, func(d *decoder) { _ = d.string() }, func(d *decoder) { d.strings() }, func(d *decoder) { d.acls() },
	} {
		d := &decoder{buf: huge}
		read(d)
		require.Error(t, d.err)
	}
	d := &decoder{buf: []byte{0xff, 0xff, 0xff, 0xff}}
	require.Empty(t, d.path())
	require.Error(t, d.err)
}

// TestTreeUndo checks that taking back a random change leaves the tree as it was.
func TestTreeUndo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := newTree()
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

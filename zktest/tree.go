package zktest

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/wire"
)

// nodeKind says what may delete a znode besides a client.
type nodeKind uint8

const (
	kindPersistent nodeKind = iota
	kindEphemeral
	kindContainer
	kindTTL
)

// node is one znode.
type node struct {
	data     []byte
	acl      []ACL
	kind     nodeKind
	owner    int64 // session of an ephemeral znode
	ttl      int64 // in milliseconds; 0 unless it is a TTL znode
	czxid    int64
	mzxid    int64
	pzxid    int64
	ctime    int64
	mtime    int64
	version  int32
	creates  int32 // children ever created: the counter that numbers sequential children
	aversion int32
	children []string // names, sorted
}

// stat returns the stat that a client sees. ZooKeeper counts only creations and
// derives the version of the children from them. Each deleted child has changed
// the list twice, each existing child once.
func (n *node) stat() Stat {
	st := Stat{
		Czxid: n.czxid, Mzxid: n.mzxid, Pzxid: n.pzxid, Ctime: n.ctime, Mtime: n.mtime,
		Version: n.version, Cversion: n.creates*2 - int32(len(n.children)), Aversion: n.aversion,
		DataLength: int32(len(n.data)), NumChildren: int32(len(n.children)),
	}
	if n.kind == kindEphemeral {
		st.EphemeralOwner = n.owner
	}
	return st
}

func (n *node) clone() *node {
	c := *n
	c.children = slices.Clone(n.children)
	return &c
}

// change is one mutation of the tree. A lagging replica replays changes. So a
// change contains everything needed to apply it, and applying it cannot fail.
type change struct {
	kind    ChangeKind
	path    string
	data    []byte
	acl     []ACL
	node    nodeKind
	owner   int64
	ttl     int64
	version int32
	zxid    int64
	time    int64

	// The ACLs of the znode and of its parent when the change was applied. They
	// decide which connections may get the event.
	nodeACL, parentACL []ACL
}

// changeSequence sets the counter of sequential children. Clients cannot make
// this change.
const changeSequence ChangeKind = -1

// tree is the data of a server, or of a lagging replica.
type tree struct {
	nodes      map[string]*node
	ephemerals map[int64]map[string]struct{}
	data       watchTable // getData, exists, persistent and recursive watches
	child      watchTable // getChildren and persistent watches
	zxid       int64      // of the last transaction applied
	mortal     int        // how many containers and TTL nodes there are
	traits     traits     // of the version that the server plays
}

func newTree(is traits) *tree {
	t := &tree{nodes: make(map[string]*node), ephemerals: make(map[int64]map[string]struct{}), traits: is}
	t.data.init(is)
	t.child.init(is)
	open := openACL
	for _, p := range []string{rootPath, systemPath, quotaPath, configPath} {
		t.nodes[p] = &node{data: []byte{}, acl: open}
		if p != rootPath {
			parent, name, _ := splitPath(p)
			t.nodes[parent].adopt(name)
		}
	}
	t.nodes[configPath].acl = []ACL{{Perms: permRead, Scheme: "world", ID: "anyone"}}
	t.nodes[configPath].aversion = -1
	return t
}

// clone copies the data, without the watches.
func (t *tree) clone() *tree {
	c := &tree{nodes: make(map[string]*node, len(t.nodes)), ephemerals: make(map[int64]map[string]struct{}), zxid: t.zxid, mortal: t.mortal, traits: t.traits}
	c.data.init(t.traits)
	c.child.init(t.traits)
	for p, n := range t.nodes {
		c.nodes[p] = n.clone()
	}
	for id, paths := range t.ephemerals {
		c.ephemerals[id] = maps.Clone(paths)
	}
	return c
}

// get finds a znode. The empty path also names the root, as in ZooKeeper's
// tree.
func (t *tree) get(path string) *node {
	if path == "" {
		path = rootPath
	}
	return t.nodes[path]
}

// apply makes one change and returns a function that undoes it, for a failed
// multi.
func (t *tree) apply(c *change) (undo func()) {
	switch c.kind {
	case Created:
		return t.create(c)
	case Deleted:
		return t.delete(c)
	case DataChanged:
		n := t.nodes[c.path]
		c.nodeACL = n.acl
		old := *n
		n.data, n.version, n.mzxid, n.mtime = c.data, c.version, c.zxid, c.time
		return func() { n.data, n.version, n.mzxid, n.mtime = old.data, old.version, old.mzxid, old.mtime }
	case ACLChanged:
		n := t.nodes[c.path]
		old := *n
		n.acl, n.aversion = c.acl, c.version
		return func() { n.acl, n.aversion = old.acl, old.aversion }
	case changeSequence:
		n := t.nodes[c.path]
		old := n.creates
		n.creates = c.version
		return func() { n.creates = old }
	}
	return func() {}
}

func (t *tree) create(c *change) (undo func()) {
	parentPath, name, _ := splitPath(c.path)
	parent := t.nodes[parentPath]
	c.nodeACL, c.parentACL = c.acl, parent.acl
	creates, pzxid := parent.creates, parent.pzxid
	n := &node{
		data: c.data, acl: c.acl, kind: c.node, owner: c.owner, ttl: c.ttl,
		czxid: c.zxid, mzxid: c.zxid, pzxid: c.zxid, ctime: c.time, mtime: c.time,
	}
	t.link(c.path, n, parent, name)
	if !t.traits.saturates || parent.creates != math.MaxInt32 {
		parent.creates++
		parent.pzxid = c.zxid
	}
	path := c.path
	return func() {
		t.unlink(path, n, parent, name)
		parent.creates, parent.pzxid = creates, pzxid
	}
}

func (t *tree) delete(c *change) (undo func()) {
	parentPath, name, _ := splitPath(c.path)
	parent, n := t.nodes[parentPath], t.nodes[c.path]
	c.nodeACL, c.parentACL = n.acl, parent.acl
	pzxid := parent.pzxid
	t.unlink(c.path, n, parent, name)
	parent.pzxid = c.zxid
	path := c.path
	return func() {
		t.link(path, n, parent, name)
		parent.pzxid = pzxid
	}
}

func (t *tree) link(path string, n, parent *node, name string) {
	parent.adopt(name)
	t.nodes[path] = n
	if n.kind == kindContainer || n.kind == kindTTL {
		t.mortal++
	}
	if n.kind == kindEphemeral {
		if t.ephemerals[n.owner] == nil {
			t.ephemerals[n.owner] = make(map[string]struct{})
		}
		t.ephemerals[n.owner][path] = struct{}{}
	}
}

func (t *tree) unlink(path string, n, parent *node, name string) {
	parent.disown(name)
	delete(t.nodes, path)
	if n.kind == kindContainer || n.kind == kindTTL {
		t.mortal--
	}
	if n.kind == kindEphemeral {
		delete(t.ephemerals[n.owner], path)
		if len(t.ephemerals[n.owner]) == 0 {
			delete(t.ephemerals, n.owner)
		}
	}
}

// fire triggers the watches that a change concerns, in ZooKeeper's order. If
// the version hides events, a connection that may not read the znode loses its
// watch and gets no event.
func (t *tree) fire(c change, emit func(*conn, wire.Event, string, int64)) {
	readers := func(acl []ACL) func(*conn, wire.Event, string) {
		return func(w *conn, e wire.Event, path string) {
			if !t.traits.hidesEvents || w.allowed(acl, permRead) {
				emit(w, e, path, c.zxid)
			}
		}
	}
	parent, _, _ := splitPath(c.path)
	switch c.kind {
	case Created:
		t.data.trigger(c.path, wire.EventCreated, nil, readers(c.nodeACL))
		t.child.trigger(parent, wire.EventChildrenChanged, nil, readers(c.parentACL))
	case Deleted:
		// A connection that watches both the data and the children of the znode
		// gets one event for its deletion.
		told := t.data.trigger(c.path, wire.EventDeleted, nil, readers(c.nodeACL))
		t.child.trigger(c.path, wire.EventDeleted, told, readers(c.nodeACL))
		t.child.trigger(parent, wire.EventChildrenChanged, nil, readers(c.parentACL))
	case DataChanged:
		t.data.trigger(c.path, wire.EventDataChanged, nil, readers(c.nodeACL))
	}
}

// adopt and disown keep the names of the children sorted. A real server's order
// is arbitrary. Sorting on change is cheaper than sorting on each list, because
// long lists are read more often than they change.
func (n *node) adopt(name string) {
	if i, found := slices.BinarySearch(n.children, name); !found {
		n.children = slices.Insert(n.children, i, name)
	}
}

func (n *node) disown(name string) {
	i, found := slices.BinarySearch(n.children, name)
	switch {
	case !found:
	case i < len(n.children)/2: // as in a queue: fewer names are before it than after it
		copy(n.children[1:i+1], n.children[:i])
		n.children[0] = ""
		n.children = n.children[1:]
	default:
		n.children = slices.Delete(n.children, i, i+1)
	}
}

// ownedBy lists the ephemeral znodes of a session, sorted.
func (t *tree) ownedBy(session int64) []string {
	return slices.Sorted(maps.Keys(t.ephemerals[session]))
}

// descendants counts the znodes below path.
func (t *tree) descendants(path string) int {
	if path == rootPath {
		return len(t.nodes) - 1
	}
	n := 0
	for p := range t.nodes {
		if strings.HasPrefix(p, path+"/") {
			n++
		}
	}
	return n
}

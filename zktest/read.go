package zktest

import (
	"strings"

	"github.com/docent-go/docent/internal/wire"
)

// query executes one request that changes nothing and writes the body of the
// answer. The body counts only if query returns CodeOK.
func (c *conn) query(t *tree, op Op, d *wire.Decoder, e *wire.Encoder) Code {
	switch op {
	case OpExists, OpGetData, OpGetChildren, OpGetChildren2:
		path, watch := present(d).String(), d.Bool()
		if d.Err() != nil {
			return CodeMarshallingError
		}
		return c.readNode(t, op, path, watch, e)
	case OpGetACL:
		return c.getACL(t, d, e)
	case OpSync:
		e.Buffer(d.Buffer()) // the path as it came: ZooKeeper does not check it
	case OpSetWatches, OpSetWatches2:
		return c.setWatches(t, op, d)
	case OpAddWatch:
		return c.addWatch(t, d, e)
	case OpCheckWatches, OpRemoveWatches:
		return c.dropWatches(t, op, d)
	case OpGetEphemerals:
		prefix := d.String()
		var paths []string
		for _, p := range t.ownedBy(c.sess.id) {
			if strings.HasPrefix(p, strings.TrimSpace(prefix)) {
				paths = append(paths, p)
			}
		}
		e.Strings(paths)
	case OpGetAllChildrenCount:
		path := present(d).String()
		if d.Err() != nil {
			return CodeMarshallingError
		}
		if _, code := c.readable(t, path); code != CodeOK {
			return code
		}
		e.Int32(int32(t.descendants(path)))
	case OpWhoAmI:
		e.Int32(int32(len(c.ids)))
		for _, have := range c.ids {
			name := have.id
			if have.scheme == "digest" {
				name, _, _ = strings.Cut(name, ":")
			}
			e.String(have.scheme)
			e.String(name)
		}
	case OpMultiRead:
		return c.multiRead(t, d, e)
	}
	if d.Err() != nil {
		return CodeMarshallingError
	}
	return CodeOK
}

// readable finds a znode and checks that the connection may read it.
func (c *conn) readable(t *tree, path string) (*node, Code) {
	n := t.get(path)
	switch {
	case n == nil:
		return nil, CodeNoNode
	case !c.allowed(n.acl, permRead):
		return nil, CodeNoAuth
	}
	return n, CodeOK
}

func (c *conn) readNode(t *tree, op Op, path string, watch bool, e *wire.Encoder) Code {
	if op == OpExists {
		// A watch is set even if the znode does not exist yet, and the parent's
		// rights do not matter.
		if strings.ContainsRune(path, 0) {
			return CodeBadArguments
		}
		n := t.get(path)
		if c.s.cfg.traits.existsNeedsRead && n != nil && !c.allowed(n.acl, permRead) {
			return CodeNoAuth
		}
		if watch {
			t.data.add(path, c, watchOnce)
		}
		if n == nil {
			return CodeNoNode
		}
		encodeStat(e, n.stat())
		return CodeOK
	}
	n, code := c.readable(t, path)
	if code != CodeOK {
		return code
	}
	table := &t.child
	if op == OpGetData {
		table = &t.data
		e.Buffer(n.data)
	} else {
		e.Strings(n.children)
	}
	if op != OpGetChildren {
		encodeStat(e, n.stat())
	}
	if watch {
		table.add(path, c, watchOnce)
	}
	return CodeOK
}

// getACL answers a connection that may read or administer the znode. It shows
// password digests to administrators only.
func (c *conn) getACL(t *tree, d *wire.Decoder, e *wire.Encoder) Code {
	path := present(d).String()
	if d.Err() != nil {
		return CodeMarshallingError
	}
	n := t.get(path)
	if n == nil {
		return CodeNoNode
	}
	if !c.allowed(n.acl, permRead|permAdmin) {
		return CodeNoAuth
	}
	acl := n.acl
	if !c.allowed(n.acl, permAdmin) {
		acl = maskDigests(acl)
	}
	encodeACLs(e, acl)
	encodeStat(e, n.stat())
	return CodeOK
}

// setWatches re-arms the watches of a reconnected client. Changes since the
// zxid that the client saw last are sent at once; the other watches are set.
func (c *conn) setWatches(t *tree, op Op, d *wire.Decoder) Code {
	since := d.Int64()
	data, exist, child := pathList(d), pathList(d), pathList(d)
	var persistent, recursive []string
	if op == OpSetWatches2 {
		persistent, recursive = pathList(d), pathList(d)
	}
	if d.Err() != nil {
		return CodeMarshallingError
	}
	emit := func(kind wire.Event, path string, n *node) {
		if n == nil || !t.traits.hidesMissedEvents || c.allowed(n.acl, permRead) {
			c.s.emit(c, kind, path, noZxid)
		}
	}
	for _, p := range data {
		switch n := t.get(p); {
		case n == nil:
			emit(wire.EventDeleted, p, n)
		case n.mzxid > since:
			emit(wire.EventDataChanged, p, n)
		default:
			t.data.add(p, c, watchOnce)
		}
	}
	for _, p := range exist {
		if n := t.get(p); n != nil {
			emit(wire.EventCreated, p, n)
		} else {
			t.data.add(p, c, watchOnce)
		}
	}
	for _, p := range child {
		switch n := t.get(p); {
		case n == nil:
			emit(wire.EventDeleted, p, n)
		case n.pzxid > since:
			emit(wire.EventChildrenChanged, p, n)
		default:
			t.child.add(p, c, watchOnce)
		}
	}
	for _, p := range persistent {
		t.follow(p, c, watchPersistent)
	}
	for _, p := range recursive {
		t.follow(p, c, watchRecursive)
	}
	return CodeOK
}

func (c *conn) addWatch(t *tree, d *wire.Decoder, e *wire.Encoder) Code {
	path, mode := present(d).String(), d.Int32()
	if d.Err() != nil {
		return CodeMarshallingError
	}
	switch mode {
	case 0:
		t.follow(path, c, watchPersistent)
	case 1:
		t.follow(path, c, watchRecursive)
	default:
		return CodeMarshallingError
	}
	e.Int32(0)
	return CodeOK
}

// dropWatches checks for, or removes, the connection's watches of one kind on a
// path.
func (c *conn) dropWatches(t *tree, op Op, d *wire.Decoder) Code {
	path, kind := present(d).String(), d.Int32()
	parts := t.watchesOfKind(kind)
	if d.Err() != nil || parts == nil || op == OpCheckWatches && !strings.HasPrefix(path, "/") {
		return CodeMarshallingError
	}
	found := false
	for _, part := range parts {
		if op == OpCheckWatches {
			found = part.table.has(path, c, part.modes) || found
		} else {
			found = part.table.remove(path, c, part.modes) || found
		}
	}
	if !found {
		return CodeNoWatcher
	}
	return CodeOK
}

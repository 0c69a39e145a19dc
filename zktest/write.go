package zktest

import (
	"fmt"
	"strings"

	"github.com/docent-go/docent/internal/wire"
)

// maxTTL is the longest life of a TTL node, in milliseconds.
const maxTTL = 0xffffffffff

// The flags of a create.
const (
	flagPersistent = iota
	flagEphemeral
	flagSequential
	flagEphemeralSequential
	flagContainer
	flagTTL
	flagTTLSequential
)

// writeRequest is a decoded transaction, alone or as part of a multi.
type writeRequest struct {
	op      Op
	path    string
	data    []byte
	acl     []ACL
	flags   int32
	ttl     int64
	version int32
	noPath  bool // the path of a create or a delete is null
}

func (w writeRequest) isCreate() bool {
	switch w.op {
	case OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL:
		return true
	}
	return false
}

func parseWrite(op Op, d *wire.Decoder) writeRequest {
	w := writeRequest{op: op, ttl: -1}
	switch op {
	case OpCreate, OpCreate2, OpCreateContainer:
		w.noPath = d.Null()
		w.path, w.data, w.acl, w.flags = d.String(), d.Buffer(), decodeACLs(d), d.Int32()
	case OpCreateTTL:
		w.path, w.data, w.acl, w.flags, w.ttl = d.String(), d.Buffer(), decodeACLs(d), d.Int32(), d.Int64()
	case OpDelete:
		w.noPath = d.Null()
		w.path, w.version = d.String(), d.Int32()
	case OpCheck:
		w.path, w.version = d.String(), d.Int32()
	case OpSetData:
		w.path, w.data, w.version = d.String(), d.Buffer(), d.Int32()
	case OpSetACL:
		w.path, w.acl, w.version = d.String(), decodeACLs(d), d.Int32()
	case OpReconfig:
		_ = d.String()
		_ = d.String()
		_ = d.String()
		d.Int64()
	}
	return w
}

// prepare checks a transaction against the tree and turns it into a change. It
// makes the checks in ZooKeeper's order. A nil c is the test itself, which no
// ACL restricts.
func (s *Server) prepare(c *conn, w writeRequest, zxid, now int64) (change, Code) {
	ch := change{path: w.path, zxid: zxid, time: now}
	switch w.op {
	case OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL:
		return s.prepareCreate(c, w, ch)
	case OpDelete:
		if w.noPath {
			return ch, CodeMarshallingError
		}
		return s.prepareDelete(c, w, ch)
	case OpDeleteContainer:
		// Only ZooKeeper itself can send it: a client's request has a header where
		// the path is expected.
		return ch, CodeBadArguments
	case OpReconfig:
		return ch, CodeReconfigDisabled
	case opMisfit:
		return ch, CodeMarshallingError
	}
	if !wire.ValidPath(w.path) {
		return ch, CodeBadArguments
	}
	acl := w.acl
	if w.op == OpSetACL {
		var code Code
		if acl, code = c.fixACL(w.acl); code != CodeOK {
			return ch, code
		}
	}
	n := s.tree.get(w.path)
	if n == nil {
		return ch, CodeNoNode
	}
	current, perm := n.version, int32(permWrite)
	switch w.op {
	case OpSetData:
		ch.kind, ch.data = DataChanged, w.data
	case OpSetACL:
		ch.kind, ch.acl = ACLChanged, acl
		current, perm = n.aversion, permAdmin
	case OpCheck:
		perm = permRead
	}
	if !c.allowed(n.acl, perm) {
		return ch, CodeNoAuth
	}
	if w.version != -1 && w.version != current {
		return ch, CodeBadVersion
	}
	ch.version = current + 1
	return ch, CodeOK
}

func (s *Server) prepareCreate(c *conn, w writeRequest, ch change) (change, Code) {
	ephemeral, sequential, ttl := false, false, false
	switch w.flags {
	case flagPersistent, flagContainer: // only the kind of the request makes a container
	case flagEphemeral:
		ephemeral = true
	case flagSequential:
		sequential = true
	case flagEphemeralSequential:
		ephemeral, sequential = true, true
	case flagTTL:
		ttl = true
	case flagTTLSequential:
		ttl, sequential = true, true
	default:
		return ch, CodeBadArguments
	}
	if w.noPath {
		return ch, CodeMarshallingError
	}
	if ttl && !s.cfg.ttlNodes {
		return ch, CodeUnimplemented
	}
	if validTTL := w.ttl > 0 && w.ttl <= maxTTL; ttl && !validTTL || !ttl && w.ttl >= 0 {
		return ch, CodeBadArguments
	}
	parentPath, _, ok := splitPath(w.path)
	if !ok || strings.ContainsRune(w.path, 0) {
		return ch, CodeBadArguments
	}
	acl, code := c.fixACL(w.acl)
	if code != CodeOK {
		return ch, code
	}
	parent := s.tree.get(parentPath)
	if parent == nil {
		return ch, CodeNoNode
	}
	if !c.allowed(parent.acl, permCreate) {
		return ch, CodeNoAuth
	}
	if sequential {
		ch.path += fmt.Sprintf("%010d", parent.creates)
	}
	switch {
	case !wire.ValidPath(ch.path):
		return ch, CodeBadArguments
	case s.tree.get(ch.path) != nil:
		return ch, CodeNodeExists
	case parent.kind == kindEphemeral:
		return ch, CodeNoChildrenForEphemerals
	}
	ch.kind, ch.data, ch.acl = Created, w.data, acl
	switch {
	case w.op == OpCreateContainer: // its flags do not matter
		ch.node = kindContainer
	case ephemeral:
		ch.node, ch.owner = kindEphemeral, c.sess.id
	case w.op == OpCreateTTL && ttl:
		ch.node, ch.ttl = kindTTL, w.ttl
	}
	return ch, CodeOK
}

func (s *Server) prepareDelete(c *conn, w writeRequest, ch change) (change, Code) {
	parentPath, _, ok := splitPath(w.path)
	if !ok || isSpecial(w.path) || strings.ContainsRune(w.path, 0) {
		return ch, CodeBadArguments
	}
	parent := s.tree.get(parentPath)
	if parent == nil {
		return ch, CodeNoNode
	}
	n := s.tree.get(w.path)
	switch {
	case n == nil && s.cfg.traits.looksFirst:
		return ch, CodeNoNode
	case !c.allowed(parent.acl, permDelete):
		return ch, CodeNoAuth
	case n == nil:
		return ch, CodeNoNode
	case w.version != -1 && w.version != n.version:
		return ch, CodeBadVersion
	case len(n.children) > 0:
		return ch, CodeNotEmpty
	}
	ch.kind = Deleted
	return ch, CodeOK
}

// result writes the body of the answer to a successful transaction.
func (s *Server) result(op Op, path string, e *wire.Encoder) {
	switch op {
	case OpCreate:
		e.String(path)
	case OpCreate2, OpCreateContainer, OpCreateTTL:
		e.String(path)
		encodeStat(e, s.tree.nodes[path].stat())
	case OpSetData, OpSetACL:
		encodeStat(e, s.tree.nodes[path].stat())
	}
}

// SetSequence sets the number of the next sequential child of dir, for tests of
// the wrap: after 2147483647 comes -2147483648.
func (s *Server) SetSequence(dir string, next int32) error {
	code := CodeNoNode
	s.do(func() {
		if s.tree.nodes[dir] == nil {
			return
		}
		code = CodeOK
		s.commit(change{kind: changeSequence, path: dir, version: next}, 0)
	})
	if code != CodeOK {
		return fmt.Errorf("zktest: set sequence of %s: %w", dir, code)
	}
	return nil
}

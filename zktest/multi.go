package zktest

import (
	"slices"

	"github.com/docent-go/docent/internal/wire"
)

// multi executes a list of transactions under one zxid: all of them, or none.
func (c *conn) multi(xid int32, d *wire.Decoder) {
	s := c.s
	ops, ok := parseMulti(d, isMultiWrite, s.cfg.traits)
	if slices.ContainsFunc(ops, s.cfg.traits.unreadable) {
		s.answer(c, newReply(xid, s.tree.zxid, CodeMarshallingError))
		return
	}
	zxid, now := s.nextZxid(), s.stamp()
	if !ok {
		s.answer(c, newReply(xid, zxid, CodeMarshallingError))
		return
	}
	var changes []change
	var undo []func()
	e := newReply(xid, zxid, CodeOK)
	for i, w := range ops {
		ch, code := s.prepare(c, w, zxid, now)
		if code != CodeOK {
			for j := len(undo) - 1; j >= 0; j-- {
				undo[j]()
			}
			if code == CodeMarshallingError {
				s.answer(c, newReply(xid, zxid, code))
			} else {
				s.answer(c, multiFailed(xid, zxid, len(ops), i, code))
			}
			return
		}
		if ch.kind != noChange {
			undo = append(undo, s.tree.apply(&ch))
			changes = append(changes, ch)
		}
		multiHeader(e, multiResultOp(w.op), false, 0)
		s.result(w.op, ch.path, e)
	}
	multiHeader(e, -1, true, -1)
	// The watches fire after the whole transaction, so that no client reads
	// half of it.
	for _, ch := range changes {
		s.publish(ch, c.sess.id)
	}
	s.answer(c, e)
}

// unreadable reports whether a multi with the operation is malformed, and takes
// no zxid.
func (is traits) unreadable(w writeRequest) bool {
	if is.parsesFirst {
		return w.isCreate() && w.acl == nil
	}
	return w.noPath
}

// multiFailed answers a multi whose operation at index failed. It reports
// earlier operations as done and undone, and later ones as never tried.
func multiFailed(xid int32, zxid int64, n, failed int, code Code) *wire.Encoder {
	e := newReply(xid, zxid, CodeOK)
	for i := range n {
		result := CodeRuntimeInconsistency
		switch {
		case i < failed:
			result = CodeOK
		case i == failed:
			result = code
		}
		multiHeader(e, -1, false, result)
		e.Int32(int32(result))
	}
	multiHeader(e, -1, true, -1)
	return e
}

func multiHeader(e *wire.Encoder, op Op, done bool, code Code) {
	e.Int32(int32(op))
	e.Bool(done)
	e.Int32(int32(code))
}

// multiResultOp returns the kind that a result carries: create2 for every
// create that is answered with a stat.
func multiResultOp(op Op) Op {
	switch op {
	case OpCreateContainer, OpCreateTTL:
		return OpCreate2
	}
	return op
}

// multiOp returns the effective kind of an operation inside a multi. It derives
// the kind of a create from the flags, unless the version keeps the kind.
func multiOp(w writeRequest, is traits) Op {
	ttl := w.flags == flagTTL || w.flags == flagTTLSequential
	switch {
	case !w.isCreate():
		return w.op
	case w.flags == flagContainer:
		return OpCreateContainer
	case ttl && w.op != OpCreateTTL:
		return opMisfit
	case !ttl && (w.op == OpCreateTTL || !is.keepsMultiOps):
		return OpCreate
	}
	return w.op
}

// opMisfit marks a create in a multi whose flags ask for a TTL that the request
// does not carry. ZooKeeper fails only when it reaches that operation.
const opMisfit Op = -1

func isMultiWrite(op Op) bool {
	switch op {
	case OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL, OpDelete, OpSetData, OpCheck:
		return true
	}
	return false
}

func isMultiRead(op Op) bool { return op == OpGetChildren || op == OpGetData }

// parseMulti decodes the list of a multi. It reports false if the list is
// broken or contains a kind that allowed refuses.
func parseMulti(d *wire.Decoder, allowed func(Op) bool, is traits) ([]writeRequest, bool) {
	var ops []writeRequest
	for {
		op, done := Op(d.Int32()), d.Bool()
		d.Int32()
		switch {
		case d.Err() != nil:
			return ops, false
		case done:
			return ops, true
		case !allowed(op):
			return ops, false
		}
		w := writeRequest{op: op}
		if isMultiRead(op) {
			w.path = present(d).String()
			d.Bool() // the watch flag: a multi read sets none
		} else {
			w = parseWrite(op, d)
			if is.keepsMultiOps && w.isCreate() && op != OpCreateTTL && (w.flags < flagPersistent || w.flags > flagContainer) {
				return ops, false
			}
			w.op = multiOp(w, is)
		}
		ops = append(ops, w)
	}
}

// multiRead answers a list of reads, each with its own result.
func (c *conn) multiRead(t *tree, d *wire.Decoder, e *wire.Encoder) Code {
	ops, ok := parseMulti(d, isMultiRead, c.s.cfg.traits)
	if !ok {
		return CodeMarshallingError
	}
	for i, w := range ops {
		n, code := c.readable(t, w.path)
		if c.failing != nil && (*c.failing)[i] != CodeOK {
			code = (*c.failing)[i]
		}
		if code != CodeOK {
			multiHeader(e, -1, false, code)
			e.Int32(int32(code))
			continue
		}
		multiHeader(e, w.op, false, 0)
		if w.op == OpGetChildren {
			e.Strings(n.children)
		} else {
			e.Buffer(n.data)
			encodeStat(e, n.stat())
		}
	}
	multiHeader(e, -1, true, -1)
	return CodeOK
}

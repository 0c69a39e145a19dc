package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/wire"
	"github.com/docent-go/docent/internal/znode"
)

// Op is one operation of a transaction.
type Op struct {
	kind    string
	path    string
	data    []byte
	version int32
	mode    Mode
	guard   bool
	acl     []ACL // of a node created, besides the configured ones
	// exactACL is that of a node created, in place of the configured one, if it
	// is not empty.
	exactACL []ACL
}

// CreateOp makes a node. Containers cannot be made in a transaction.
func CreateOp(path string, data []byte, mode Mode) Op {
	return Op{kind: "create", path: path, data: data, mode: mode}
}

// SetOp writes a node's data if it has the given version, or AnyVersion.
func SetOp(path string, data []byte, version int32) Op {
	return Op{kind: "set", path: path, data: data, version: version}
}

// DeleteOp removes a node if it has the given version, or AnyVersion.
func DeleteOp(path string, version int32) Op {
	return Op{kind: "delete", path: path, version: version}
}

// CheckOp demands that a node has the given version, or that it exists with
// AnyVersion.
func CheckOp(path string, version int32) Op {
	return Op{kind: "check", path: path, version: version}
}

// GuardOp is CheckOp for a node whose version tells whether somebody still
// owns something: a transaction that it refuses fails with ErrLost, as with a
// hold's Guard.
func GuardOp(path string, version int32) Op {
	op := CheckOp(path, version)
	op.guard = true
	return op
}

// Kinds of guards that are refused unsent.
const (
	noGuard   = "guard"      // of a hold that can have none
	lateGuard = "late guard" // asked for when the hold had been handed on
)

// OpResult is what one operation of a transaction did.
type OpResult struct {
	Path string // of a node created
	Stat Stat   // of a node set
}

// Txn does all the operations, or none. The error names the one that the
// server refused, as "op 2 (set /a)", and wraps its reason. When that was a
// hold's Guard, errors.Is(err, ErrLost) holds too. A lost answer is
// ErrUnknownOutcome: a transaction that may have been done is not repeated.
func (s *Session) Txn(ctx context.Context, ops ...Op) ([]OpResult, error) {
	s.made()
	requests, err := s.requests(ops)
	if err != nil {
		return nil, err
	}
	return write(ctx, s, "txn", ops[0].path, false, request[[]OpResult]{
		frame: func() []byte { return wire.Multi(requests) },
		parse: func(body []byte) ([]OpResult, error) { return s.results(ops, body) },
	})
}

// results reads the answer to a transaction. If the server has refused it, the error is
// a refusedOp.
func (s *Session) results(ops []Op, body []byte) ([]OpResult, error) {
	answers, err := wire.ResultsOf(body, len(ops))
	if err != nil {
		return nil, err
	}
	if i, code := wire.FirstFailure(answers); code != wire.CodeOK {
		_, reason := classify(code)
		return nil, &refusedOp{ops[i].failed(i, reason), i, ops[i].guard}
	}
	if len(answers) != len(ops) {
		return nil, fmt.Errorf("the server's answer to a transaction of %d operations holds %d results", len(ops), len(answers))
	}
	results := make([]OpResult, len(answers))
	for i, r := range answers {
		results[i] = OpResult{Stat: Stat(r.Stat)}
		if r.Path != "" {
			results[i].Path = s.rel(r.Path)
		}
	}
	return results, nil
}

// Fits reports whether Txn would send the operations: nil, or the error with
// which it refuses them beforehand, such as ErrTooLarge. It does no I/O.
func (m *Manager) Fits(ops ...Op) error {
	m.made()
	_, err := (&Session{m: m}).requests(ops)
	return err
}

// requests turns operations into those of the protocol, if the server takes them all
// together.
func (s *Session) requests(ops []Op) ([]wire.MultiOp, error) {
	if len(ops) == 0 {
		return nil, s.refuse("txn", "/", errors.New("the transaction has no operations"))
	}
	requests := make([]wire.MultiOp, len(ops))
	size := wire.MultiSize
	for i, op := range ops {
		r, err := s.request(op)
		if err != nil {
			return nil, s.refuse("txn", cmp.Or(op.path, ops[0].path, "/"), op.failed(i, err))
		}
		requests[i] = r
		size += r.Size()
	}
	if err := s.fits(size); err != nil {
		return nil, s.refuse("txn", ops[0].path, err)
	}
	return requests, nil
}

// request turns an operation into one of the protocol.
func (s *Session) request(op Op) (wire.MultiOp, error) {
	switch op.kind {
	case "":
		return wire.MultiOp{}, errors.New("the Op is the zero value: use CreateOp, SetOp, DeleteOp, CheckOp or a hold's Guard")
	case noGuard:
		return wire.MultiOp{}, ErrNoGuard
	case lateGuard:
		return wire.MultiOp{}, fmt.Errorf("%w: its node was handed on to another hold: %w", ErrLost, ErrReleased)
	}
	check := op.path
	if op.kind == "create" && op.mode.sequential() {
		check += sequentialTrialDigit
	}
	if err := znode.Validate(check); err != nil {
		return wire.MultiOp{}, err
	}
	r := wire.MultiOp{Path: s.abs(op.path), Data: op.data, Version: op.version}
	switch op.kind {
	case "create":
		if err := op.mode.validate(); err != nil {
			return wire.MultiOp{}, err
		}
		if op.mode == Container {
			return wire.MultiOp{}, errors.New("a transaction cannot create containers")
		}
		acl := s.m.cfg.ACL
		if len(op.exactACL) > 0 {
			acl = op.exactACL
		}
		r.Op, r.ACL, r.Flags = wire.OpCreate, wireACL(acl, op.acl), int32(op.mode)
	case "set":
		r.Op = wire.OpSetData
	case "delete":
		r.Op = wire.OpDelete
	default:
		r.Op = wire.OpCheck
	}
	return r, nil
}

func (op Op) failed(i int, err error) error {
	if op.kind == "" {
		return fmt.Errorf("op %d: %w", i+1, err)
	}
	return fmt.Errorf("op %d (%s %s): %w", i+1, op.kind, op.path, err)
}

// refusedOp is the answer of a server, although it is worded by us.
type refusedOp struct {
	error
	index int
	guard bool
}

func (e *refusedOp) Unwrap() error        { return errors.Unwrap(e.error) }
func (e *refusedOp) Is(target error) bool { return e.guard && target == ErrLost }

// RefusedOp tells which operation made the server refuse a transaction, by its
// place among them, counted from zero. It is false for an error that no single
// operation is to blame for.
func RefusedOp(err error) (index int, ok bool) {
	var refused *refusedOp
	if !errors.As(err, &refused) {
		return 0, false
	}
	return refused.index, true
}

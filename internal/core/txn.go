package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/wire"
)

// Op is one operation of a transaction.
type Op struct {
	kind    string
	path    string
	data    []byte
	version int32
	mode    Mode
	guard   bool
	// fleeting says that the transaction deletes the created node itself.
	fleeting bool
	acl      []ACL // more entries for a created node, after the configured ones
	// exactACL is the ACL of a created node instead of the configured one.
	// Empty means the configured one.
	exactACL []ACL
}

// CreateOp creates a node. A transaction cannot create containers.
func CreateOp(path string, data []byte, mode Mode) Op {
	return Op{kind: "create", path: path, data: data, mode: mode}
}

// SetOp writes a node's data if the node has the given version, or with
// AnyVersion.
func SetOp(path string, data []byte, version int32) Op {
	return Op{kind: "set", path: path, data: data, version: version}
}

// DeleteOp deletes a node if the node has the given version, or with
// AnyVersion.
func DeleteOp(path string, version int32) Op {
	return Op{kind: "delete", path: path, version: version}
}

// CheckOp requires that a node has the given version, or with AnyVersion that
// it exists.
func CheckOp(path string, version int32) Op {
	return Op{kind: "check", path: path, version: version}
}

// GuardOp is CheckOp for a node whose version shows whether a client still owns
// something. A transaction that it refuses fails with ErrLost, as with a hold's
// Guard.
func GuardOp(path string, version int32) Op {
	op := CheckOp(path, version)
	op.guard = true
	return op
}

// The kinds of guards that are refused without a request.
const (
	noGuard   = "guard"      // the hold cannot have a guard
	lateGuard = "late guard" // Guard was first called after HandOn
)

// OpResult is the result of one operation of a transaction.
type OpResult struct {
	Path string // the path of a created node
	Stat Stat   // the stat after a SetOp
}

// Txn does all operations, or none. The error names the refused operation, as
// in "op 2 (set /a)", and wraps its reason. If that operation was a hold's
// Guard, the error also matches ErrLost. If the answer is lost, the error is
// ErrUnknownOutcome: a transaction that may have been done is not repeated.
func (s *Session) Txn(ctx context.Context, ops ...Op) ([]OpResult, error) {
	s.made()
	requests, err := s.requests(ops)
	if err != nil {
		return nil, err
	}
	if err := s.admitOps(ctx, ops); err != nil {
		return nil, s.refuse("commit txn", ops[0].path, err)
	}
	results, err := write(ctx, s, "commit txn", ops[0].path, false, request[[]OpResult]{
		frame: func() []byte { return wire.Multi(requests) },
		parse: func(body []byte) ([]OpResult, error) { return s.results(ops, requests, body) },
		track: func() func(*conn.Call) { return s.trackTxn(ops, requests) },
	})
	if err == nil && s.warns() {
		for _, op := range ops {
			if dir, ok := op.creates(); ok {
				s.noticeDir(dir)
			}
		}
	}
	return results, err
}

// admitOps is admit for the directories in which a transaction creates znodes.
func (s *Session) admitOps(ctx context.Context, ops []Op) error {
	if !s.rejects() {
		return nil
	}
	for _, op := range ops {
		if dir, ok := op.creates(); ok {
			if err := s.admit(ctx, dir, vetAge); err != nil {
				return err
			}
		}
	}
	return nil
}

// creates returns the directory in which the operation creates a znode that
// outlives the transaction.
func (op Op) creates() (dir string, ok bool) {
	if op.kind != "create" || op.fleeting {
		return "", false
	}
	dir, _ = znode.Split(op.path)
	return dir, true
}

// results decodes the answer to a transaction. If the server has refused it,
// the error is a refusedOp.
func (s *Session) results(ops []Op, requests []wire.MultiOp, body []byte) ([]OpResult, error) {
	answers, err := wire.ResultsOf(body, len(ops))
	if err != nil {
		return nil, err
	}
	if err := wire.CheckResults(answers, len(ops)); err != nil {
		return nil, err
	}
	if i, code := wire.FirstFailure(answers); code != wire.CodeOK {
		_, reason := classify(code)
		return nil, &refusedOp{ops[i].failed(i, reason), i, ops[i].guard}
	}
	results := make([]OpResult, len(answers))
	for i, r := range answers {
		created := r.Op == wire.OpCreate || r.Op == wire.OpCreate2
		switch asked := requests[i]; {
		case r.Op != asked.Op && !(created && asked.Op == wire.OpCreate):
			return nil, fmt.Errorf("the server answered operation %d of a transaction, a %s, with a result of %s", i+1, asked.Op, r.Op)
		case created:
			if err := createdAs(r.Path, asked.Path, ops[i].mode); err != nil {
				return nil, err
			}
			results[i] = OpResult{Path: s.rel(r.Path), Stat: Stat(r.Stat)}
		default:
			results[i] = OpResult{Stat: Stat(r.Stat)}
		}
	}
	return results, nil
}

// Fits returns nil if Txn would send the operations. Otherwise it returns the
// error with which Txn would refuse them, such as ErrTooLarge. It does no I/O.
func (m *Manager) Fits(ops ...Op) error {
	m.made()
	_, err := (&Session{m: m}).requests(ops)
	return err
}

// requests converts operations for the protocol. It fails if they do not fit
// into one request.
func (s *Session) requests(ops []Op) ([]wire.MultiOp, error) {
	if len(ops) == 0 {
		return nil, s.refuse("commit txn", "/", errors.New("the transaction has no operations"))
	}
	requests := make([]wire.MultiOp, len(ops))
	size := wire.MultiSize
	for i, op := range ops {
		r, err := s.request(op)
		if err != nil {
			return nil, s.refuse("commit txn", cmp.Or(op.path, ops[0].path, "/"), op.failed(i, err))
		}
		requests[i] = r
		size += r.Size()
	}
	if err := s.fits(size); err != nil {
		return nil, s.refuse("commit txn", ops[0].path, err)
	}
	return requests, nil
}

// request converts one operation for the protocol.
func (s *Session) request(op Op) (wire.MultiOp, error) {
	switch op.kind {
	case "":
		return wire.MultiOp{}, errors.New("the Op is the zero value: use CreateOp, SetOp, DeleteOp, CheckOp or a hold's Guard")
	case noGuard:
		return wire.MultiOp{}, ErrNoGuard
	case lateGuard:
		return wire.MultiOp{}, fmt.Errorf("%w: its znode was handed on to another hold: %w", ErrLost, ErrReleased)
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
		return fmt.Errorf("op %d: %w", i+1, Explain(err))
	}
	return fmt.Errorf("op %d (%s %s): %w", i+1, op.kind, op.path, Explain(err))
}

// refusedOp is a server's refusal of a transaction, with our own text.
type refusedOp struct {
	error
	index int
	guard bool
}

func (e *refusedOp) Unwrap() error        { return errors.Unwrap(e.error) }
func (e *refusedOp) Is(target error) bool { return e.guard && target == ErrLost }

// RefusedOp returns the index of the operation for which the server refused a
// transaction, counted from zero. ok is false if err is not due to a single
// operation.
func RefusedOp(err error) (index int, ok bool) {
	index, _, ok = RefusedReason(err)
	return index, ok
}

// RefusedReason is RefusedOp that also returns the reason alone, without the
// operation.
func RefusedReason(err error) (index int, reason error, ok bool) {
	var refused *refusedOp
	if !errors.As(err, &refused) {
		return 0, nil, false
	}
	return refused.index, refused.Unwrap(), true
}

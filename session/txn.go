package session

import (
	"context"

	"github.com/docent-go/docent/internal/core"
)

// Op is one operation of a transaction. CreateOp, SetOp, DeleteOp, CheckOp and
// the Guard of a hold make Ops.
type Op struct{ core core.Op }

// CreateOp makes a znode. A transaction cannot make containers.
func CreateOp(path string, data []byte, mode Mode) Op {
	return Op{core.CreateOp(path, data, core.Mode(mode))}
}

// SetOp writes the data of a znode if it has the given version, or AnyVersion.
func SetOp(path string, data []byte, version int32) Op { return Op{core.SetOp(path, data, version)} }

// DeleteOp removes a znode if it has the given version, or AnyVersion.
func DeleteOp(path string, version int32) Op { return Op{core.DeleteOp(path, version)} }

// CheckOp rejects the transaction unless a znode has the given version, or
// exists if version is AnyVersion.
func CheckOp(path string, version int32) Op { return Op{core.CheckOp(path, version)} }

// WithACL returns a copy of a CreateOp whose znode gets these entries after the
// configured entries (Config.ACL). It has no effect on other operations.
func (op Op) WithACL(more ...ACL) Op { return Op{op.core.WithACL(more...)} }

// WithExactACL returns a copy of a CreateOp whose znode gets the ACL in place
// of the configured ACL (Config.ACL). An empty ACL keeps the configured ACL. It
// has no effect on other operations.
func (op Op) WithExactACL(acl []ACL) Op { return Op{op.core.WithExactACL(acl)} }

// OpResult is the result of one operation of a transaction.
type OpResult struct {
	Path string // of a znode created
	Stat Stat   // of a znode set
}

// Txn does all the operations, or none. A hold's Guard rejects the transaction
// in whatever session it runs.
//
// The error names the operation that the server rejected, as "op 2 (set /a)",
// and wraps the reason. It leaves out the path of the operation if that is its
// own path: the path of the first operation, or of a malformed one. If the operation is a Guard, the error matches ErrLost
// too. Other errors: ErrTooLarge; ErrUnknownOutcome if the answer is lost. A
// transaction that may have been done is not repeated. ctx bounds the call. Txn
// is safe for concurrent use.
func (m *Manager) Txn(ctx context.Context, ops ...Op) ([]OpResult, error) {
	done, err := m.of().Txn(ctx, coreOps(ops)...)
	if err != nil {
		return nil, err
	}
	results := make([]OpResult, len(done))
	for i, r := range done {
		results[i] = OpResult(r)
	}
	return results, nil
}

// RefusedOp returns the index of the operation for which the server rejected a
// transaction, counted from zero. ok is false if err does not name an
// operation.
func RefusedOp(err error) (index int, ok bool) { return core.RefusedOp(err) }

func coreOps(ops []Op) []core.Op {
	list := make([]core.Op, len(ops))
	for i, op := range ops {
		list[i] = op.core
	}
	return list
}

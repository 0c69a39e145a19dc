package session

import (
	"context"

	"github.com/docent-go/docent/internal/core"
)

// ReadOp is one read of ReadMany: of the data of the znode at Path and its
// stat, or of the names of its children.
type ReadOp struct {
	Path     string
	Children bool // the names of the children, in place of the data
}

// ReadResult is the result of one read of ReadMany.
type ReadResult struct {
	Data []byte
	// Stat is the stat of a znode whose data was read. It is zero for children:
	// servers do not send the stat with the names.
	Stat     Stat
	Children []string // in no order
	// Err is nil, ErrNoNode or ErrNoAuth.
	Err error
}

// ReadMany reads many znodes in few requests, and returns one result for each
// read, in the order of ops. A read that fails has an error in its result and
// does not stop the others. The server executes each request as a single read.
// Other sessions may change znodes between two requests. An answer is about 256
// KiB long. ReadMany reads znode by znode from servers before ZooKeeper 3.6.
//
// ctx bounds the whole call. With an error there are no results. Errors:
// ErrTooLarge if a path does not fit into a request; the errors that every
// operation returns. ReadMany is safe for concurrent use.
func (m *Manager) ReadMany(ctx context.Context, ops []ReadOp) ([]ReadResult, error) {
	reads := make([]core.ReadOp, len(ops))
	for i, op := range ops {
		reads[i] = core.ReadOp(op)
	}
	found, err := m.of().ReadMany(ctx, reads)
	if err != nil {
		return nil, err
	}
	results := make([]ReadResult, len(found))
	for i, r := range found {
		results[i] = ReadResult(r)
	}
	return results, nil
}

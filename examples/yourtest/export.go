// Package yourtest shows how to test your own code that uses Docent: with
// package sessiontest, in virtual time, without a ZooKeeper. The code is a few
// lines under a lock. The point is export_test.go: an expired session, a cut
// link, a lost answer.
package yourtest

import (
	"context"
	"fmt"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// Sink is the target of an export. It rejects tokens smaller than one it has
// seen.
type Sink interface {
	Write(ctx context.Context, token int64, row string) error
}

// Export writes rows to the sink, one process at a time. When the lock is lost,
// Export stops at once, and the error matches session.ErrLost.
func Export(ctx context.Context, sm *session.Manager, sink Sink, rows ...string) error {
	return lock.NewMutex(sm, "/locks/export").Do(ctx, func(ctx context.Context, h *lock.Hold) error {
		for _, row := range rows {
			if err := sink.Write(ctx, h.Token(), row); err != nil {
				return fmt.Errorf("export %q: %w", row, err)
			}
		}
		return nil
	})
}

// Package yourtest shows how to test code of your own that stands on Docent: with
// zktest and testing/synctest, in virtual time, without a ZooKeeper. The code is a
// few lines under a lock; what matters is in export_test.go: a session that
// expires, a link that is cut, an answer that is lost. Only public packages are
// used there, so that it can be copied.
package yourtest

import (
	"context"
	"fmt"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// Sink is where rows are exported to. It refuses tokens that are smaller than
// one it has seen.
type Sink interface {
	Write(ctx context.Context, token int64, row string) error
}

// Export writes rows to the sink, one process at a time. When the lock is lost
// it stops at once, and the error matches session.ErrLost.
func Export(ctx context.Context, sm *session.Manager, sink Sink, rows ...string) error {
	return lock.New(sm, "/locks/export").Do(ctx, func(ctx context.Context, h *lock.Hold) error {
		for _, row := range rows {
			if err := sink.Write(ctx, h.Token(), row); err != nil {
				return fmt.Errorf("export %q: %w", row, err)
			}
		}
		return nil
	})
}

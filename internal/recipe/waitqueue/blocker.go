package waitqueue

import (
	"fmt"
	"sync"

	"github.com/docent-go/docent/internal/core"
)

// Blocker knows for which contender a JoinTelling waits. Its zero value is ready.
// It is safe for concurrent use: another goroutine may ask before the JoinTelling
// ends.
type Blocker struct {
	mu    sync.Mutex
	path  string // of the contender that is waited for; empty without a wait
	node  core.Sighting
	whose func(path string, data []byte) string
	first string // the path of a lasting contender that is first; empty if none is known
}

// Err returns err, with which a wait has ended, and says what was waited for. The
// result matches core.ErrNotEphemeral if the end of no session lets the wait go
// on.
func (b *Blocker) Err(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil || b.path == "":
		return err
	case b.first != "" && b.first != b.path && !core.Lasting(b.node.Stat):
		return fmt.Errorf("waiting for %s, and the first in line is %s: %w: %w", b.whose(b.path, b.node.Data), b.first, core.ErrNotEphemeral, err)
	}
	return core.WaitingFor(b.whose(b.path, b.node.Data), b.node.Stat, err)
}

// maxKept bounds the data of a contender that a waiter keeps, for its error.
const maxKept = 1 << 10

// waitsFor notes the contender that is waited for now. whose describes it.
func (b *Blocker) waitsFor(path string, node core.Sighting, whose func(path string, data []byte) string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(node.Data) > maxKept {
		node.Data = nil
	}
	b.path, b.node, b.whose = path, node, whose
}

// lasts notes that the first contender is lasting.
func (b *Blocker) lasts(first string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.first = first
}

// goesOn notes that another contender is first.
func (b *Blocker) goesOn(first string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.first != first {
		b.first = ""
	}
}

// ends notes that there is no wait any more.
func (b *Blocker) ends() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.path, b.node, b.first = "", core.Sighting{}, ""
}

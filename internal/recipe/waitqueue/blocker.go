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
	stat  core.Stat
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
	case b.first != "" && b.first != b.path && !core.Lasting(b.stat):
		return fmt.Errorf("waiting for %s, and the first in line is %s: %w: %w", b.path, b.first, core.ErrNotEphemeral, err)
	}
	return core.WaitingFor(b.path, b.stat, err)
}

// waitsFor notes the contender that is waited for now.
func (b *Blocker) waitsFor(path string, stat core.Stat) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.path, b.stat = path, stat
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
	b.path, b.stat, b.first = "", core.Stat{}, ""
}

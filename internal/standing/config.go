package standing

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/znode"
)

// Conflict says what to do about a node at our path that a session of somebody
// else owns.
type Conflict int

const (
	// Wait waits for the node to go. Its usual owner is our own predecessor, a
	// process that crashed a moment ago; its node stands until its session
	// expires. A node that stands longer than a session can last without its
	// process is a duplicate: Open fails with ErrDuplicate then.
	Wait Conflict = iota
	// Refuse makes Open fail with ErrDuplicate at once.
	Refuse
	// Replace deletes the node and puts ours in its place, in one transaction,
	// if ours was opened after it. A node that was opened later is never
	// replaced: it is waited for, with ErrReplaced.
	Replace
)

// Errors, compared with errors.Is. Those of this package do not name the path:
// whoever keeps the node has a better name for it.
var (
	// ErrDuplicate says that the node of another session stands at our path.
	// It comes in a *DuplicateError, which says whose.
	ErrDuplicate = errors.New("somebody else's node stands there")
	// ErrReplaced says that another process put a node in the place of ours
	// while our session lived, or, with Replace, that the node in our place was
	// opened after ours. It comes with a *DuplicateError.
	ErrReplaced = errors.New("our node was replaced")
	// ErrNotEphemeral says that a node stands at our path that belongs to no
	// session: somebody made it by hand. It is never deleted.
	ErrNotEphemeral = errors.New("a node stands there that is not ephemeral: delete it by hand if nobody needs it")
	// ErrClosed is why a node is away after Close.
	ErrClosed = errors.New("the node was given up")
)

// DuplicateError says whose node stands at our path.
type DuplicateError struct {
	Path    string
	Session int64 // that owns the node
	Czxid   int64 // of the node
}

func (e *DuplicateError) Error() string {
	return fmt.Sprintf("%v (session 0x%x)", ErrDuplicate, e.Session)
}

// Is makes it match ErrDuplicate.
func (e *DuplicateError) Is(target error) bool { return target == ErrDuplicate }

// Config says which node to keep.
type Config struct {
	Manager *core.Manager
	// Path is the node's, or with Sequential what stands before the number.
	// Missing parents are made.
	Path string
	// Sequential has the server append a number to Path: a new one in each
	// session. Nobody else's node can stand in the way then.
	Sequential bool
	// Data is what the node holds until Set. It may be empty.
	Data []byte
	// Conflict is the policy where somebody else's node stands at Path.
	Conflict Conflict
	// Kin, if set, reports whether another session's node with the data is of the
	// same kind as ours. Replace leaves a node that is not, and waits for it. So it
	// does with a node that bears the name of a contender, an item or the like.
	Kin func(data []byte) bool
	// OnState, if set, is given every state from the first in which the node
	// stands, in order, on the keeper's goroutine, right before State returns it. It must not block, nor
	// call Set or Close.
	OnState func(*State)
}

func (cfg *Config) validate() error {
	path := cfg.Path
	if cfg.Sequential {
		path += "0000000000"
	}
	if err := cmp.Or(znode.Validate(path), cfg.fits(cfg.Data)); err != nil {
		return err
	}
	if cfg.Conflict < Wait || cfg.Conflict > Replace {
		return fmt.Errorf("there is no conflict policy %d", cfg.Conflict)
	}
	return nil
}

// fits refuses data that the largest request the keeper may come to send, a
// replacement, could not carry.
func (cfg *Config) fits(data []byte) error {
	path := cfg.Path
	if cfg.Sequential {
		path += "-0000000000"
	}
	return cfg.Manager.Fits(replacement(path, data, 0, longestMark)...)
}

package standing

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// Conflict says what to do about a node at our path that a session of another
// process owns.
type Conflict int

const (
	// Wait waits for the node to be deleted. Usually our own predecessor owns
	// it, a process that crashed a moment ago, and the node exists until its
	// session expires. If the node exists for longer than such a session can
	// last, Open fails with core.ErrIDTaken.
	Wait Conflict = iota
	// Refuse makes Open fail with core.ErrIDTaken at once.
	Refuse
	// Replace deletes the node and puts ours in its place, in one transaction,
	// if ours was opened after it. A node that was opened after ours is never
	// replaced: ours waits for it, with core.ErrReplaced.
	Replace
	// contradiction is Refuse and Replace at once.
	contradiction
)

// Choose is called by the options Refuse and Replace of a recipe. The two
// exclude each other: Err reports a program that gives both.
func (c *Conflict) Choose(policy Conflict) {
	if *c != Wait && *c != policy {
		policy = contradiction
	}
	*c = policy
}

// Err returns the error of a policy that was chosen by options that contradict
// each other, and nil otherwise.
func (c Conflict) Err() error {
	if c == contradiction {
		return errors.New("the options Refuse and Replace exclude each other; give one of them")
	}
	return nil
}

// Config says which node to keep.
type Config struct {
	Manager *core.Manager
	// Path is the node's path, or with Sequential the part before the number.
	// Missing parents are made.
	Path string
	// Sequential makes the server append a number to Path, a new one in each
	// session. So no other node can be at our path.
	Sequential bool
	// Data is what the node holds until Set. It may be empty.
	Data []byte
	// Conflict is the policy if another process's node is at Path.
	Conflict Conflict
	// Kin, if set, reports whether another session's node with the data is of
	// the same kind as ours. Replace waits for a node of another kind and does
	// not delete it. It does the same for a node with the name of a contender,
	// a queue item or the like.
	Kin func(data []byte) bool
	// NotEphemeral is the error while a node without a session is at Path. It
	// wraps core.ErrNotEphemeral, which is the default.
	NotEphemeral error
	// Until, if set, is closed when the node's owner has decided to Close it, and
	// may still be on the way there. An Open of the path waits for the removal
	// then.
	Until <-chan struct{}
	// OnState, if set, is given every state, in order, from the first in which
	// the node stands. It is called on the keeper's goroutine, right before
	// State returns the state. It must not block, nor call Set or Close.
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
		return fmt.Errorf("unknown conflict policy %d", cfg.Conflict)
	}
	return nil
}

// fits rejects data that is too large for the largest request that the keeper
// may have to send, a replacement.
func (cfg *Config) fits(data []byte) error {
	path := cfg.Path
	if cfg.Sequential {
		path += "-0000000000"
	}
	return cfg.Manager.Fits(replacement(path, data, 0, longestMark)...)
}

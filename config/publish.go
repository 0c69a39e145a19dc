package config

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/znode"
)

// KeyOp is one step of Publish: made by SetKey, CreateKey, DeleteKey or
// CheckKey.
type KeyOp struct {
	key  string
	make func(path string) core.Op
	// creates says that the step needs the key's parent.
	creates bool
	writes  *write // nil for a step that leaves an existing key as it is
}

// SetKey writes a key that exists, if it has the given version, or AnyVersion.
func SetKey(key string, data []byte, version int32) KeyOp {
	return KeyOp{
		key: key, make: func(path string) core.Op { return core.SetOp(path, data, version) },
		writes: &write{data: data, version: version},
	}
}

// CreateKey makes a key that does not exist.
func CreateKey(key string, data []byte) KeyOp {
	return KeyOp{key: key, creates: true, make: func(path string) core.Op {
		return core.CreateOp(path, data, core.Persistent)
	}}
}

// DeleteKey removes a key, if it has the given version, or AnyVersion.
func DeleteKey(key string, version int32) KeyOp {
	return KeyOp{
		key: key, make: func(path string) core.Op { return core.DeleteOp(path, version) },
		writes: &write{remove: true, version: version},
	}
}

// CheckKey demands that a key has the given version, or that it exists with
// AnyVersion, and changes nothing.
func CheckKey(key string, version int32) KeyOp {
	return KeyOp{key: key, make: func(path string) core.Op { return core.CheckOp(path, version) }}
}

// Publish does all steps, in order and in one transaction, or none of them. No
// read of a server ever sees some of them done and others not; two reads may
// fall before and after. Missing parents of created keys are made first, and
// stay when the transaction is then refused.
//
// Errors: the reason of the step that was refused, which the text names
// (session.ErrNoNode, session.ErrBadVersion, session.ErrNodeExists,
// session.ErrNotEmpty); ErrNotKey if a step would write or delete another
// recipe's znode, for which all of them are read first, side by side;
// session.ErrTooLarge before anything is sent, when all of them together do not
// fit in one request; session.ErrUnknownOutcome when the answer was lost: all
// or none was done, and it is not repeated.
func (s *Store) Publish(ctx context.Context, steps ...KeyOp) error {
	s.made()
	ops := make([]core.Op, len(steps))
	paths := make([]string, len(steps))
	for i, step := range steps {
		if step.make == nil {
			return fmt.Errorf("config publish: step %d is the zero KeyOp", i+1)
		}
		path, err := s.path(step.key)
		if err != nil {
			return fmt.Errorf("config publish: step %d: %w", i+1, err)
		}
		paths[i], ops[i] = path, step.make(path)
	}
	if s.sm.Fits(ops...) == nil { // else nothing is sent
		if err := s.checkAll(ctx, steps, paths); err != nil {
			return fmt.Errorf("config publish: %w", err)
		}
	}
	for {
		_, err := s.sm.Txn(ctx, ops...)
		if err == nil {
			return nil
		}
		made := false
		if missing(err) {
			var dirErr error
			if made, dirErr = s.ensureParents(ctx, steps, paths); dirErr != nil {
				return fmt.Errorf("config publish: %w", dirErr)
			}
		}
		if !made {
			return fmt.Errorf("config publish: %w", err)
		}
	}
}

// checkAll looks at the znodes that the steps change. One that is missing may be
// made by an earlier step; the transaction tells.
func (s *Store) checkAll(ctx context.Context, steps []KeyOp, paths []string) error {
	errs := make([]error, len(steps))
	var looks sync.WaitGroup
	for i, step := range steps {
		if step.writes != nil {
			looks.Go(func() { _, errs[i] = s.check(ctx, paths[i], *step.writes) })
		}
	}
	looks.Wait()
	for i, err := range errs {
		if err != nil && !errors.Is(err, core.ErrNoNode) {
			return fmt.Errorf("step %d: %w", i+1, s.failed(steps[i].key, err))
		}
	}
	return nil
}

// ensureParents makes the parents that created keys need and that neither exist
// nor are made by the transaction itself. It reports whether there was one.
func (s *Store) ensureParents(ctx context.Context, steps []KeyOp, paths []string) (made bool, err error) {
	// A server that lags would tell of parents that are gone.
	if err := s.sm.Sync(ctx, paths[0]); err != nil {
		return false, err
	}
	own := make(map[string]bool)
	for i, step := range steps {
		if !step.creates {
			continue
		}
		own[paths[i]] = true
		dir, _ := znode.Split(paths[i])
		if own[dir] {
			continue
		}
		_, found, err := s.sm.Exists(ctx, dir)
		if err != nil {
			return made, err
		}
		if found {
			continue
		}
		if err := s.sm.EnsureDir(ctx, dir); err != nil {
			return made, err
		}
		made = true
	}
	return made, nil
}

package config

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// KeyOp is one step of Publish. SetKey, CreateKey, DeleteKey and CheckKey make
// KeyOps; Publish rejects the zero KeyOp.
type KeyOp struct {
	key  string
	make func(path string) core.Op
	// creates says that the step needs the key's parent.
	creates bool
	writes  *write // nil for a step that leaves an existing key as it is
}

// SetKey writes a key that exists, if it has the given version, or any version
// with session.AnyVersion.
func SetKey(key string, data []byte, version int32) KeyOp {
	return KeyOp{
		key: key, make: func(path string) core.Op { return core.SetOp(path, data, version) },
		writes: &write{data: data, version: version, missingOK: true},
	}
}

// CreateKey creates a key that does not exist.
func CreateKey(key string, data []byte) KeyOp {
	return KeyOp{key: key, creates: true, make: func(path string) core.Op {
		return core.CreateOp(path, data, core.Persistent)
	}}
}

// DeleteKey removes a key, if it has the given version, or any version with
// session.AnyVersion.
func DeleteKey(key string, version int32) KeyOp {
	return KeyOp{
		key: key, make: func(path string) core.Op { return core.DeleteOp(path, version) },
		writes: &write{remove: true, version: version, missingOK: true},
	}
}

// CheckKey rejects the whole Publish unless a key has the given version, or
// exists if version is session.AnyVersion. It changes nothing.
func CheckKey(key string, version int32) KeyOp {
	return KeyOp{key: key, make: func(path string) core.Op { return core.CheckOp(path, version) }}
}

// Publish does all steps, in order and in one transaction, or none of them. No
// read sees only a part of the steps; but of two reads the first may be before
// the transaction and the second after it. Missing parents of created keys are
// created first, and remain if the transaction is rejected. ctx bounds the
// call.
//
// Errors: the reason of the rejected step, which the text names
// (session.ErrNoNode, session.ErrBadVersion, session.ErrNodeExists,
// session.ErrNotEmpty, session.ErrNoAuth); session.ErrForeign if a step would
// write or delete another recipe's znode: Publish reads the znodes of all steps
// first, in parallel; session.ErrTooLarge, before anything is sent, if the
// steps do not fit in one request; session.ErrUnknownOutcome if the answer was
// lost: all steps were done or none, and Publish does not repeat them; no
// steps, the zero KeyOp or an invalid path, before anything is sent;
// session.ErrClosed. The path of the *session.OpError is the Store's base.
func (s *Store) Publish(ctx context.Context, steps ...KeyOp) error {
	s.made()
	return core.Failed("publish keys", s.base, s.publish(ctx, steps))
}

func (s *Store) publish(ctx context.Context, steps []KeyOp) error {
	if len(steps) == 0 {
		return errors.New("there are no steps: give at least one")
	}
	ops := make([]core.Op, len(steps))
	paths := make([]string, len(steps))
	for i, step := range steps {
		if step.make == nil {
			return fmt.Errorf("step %d is the zero KeyOp: make it with SetKey, CreateKey, DeleteKey or CheckKey", i+1)
		}
		path, err := s.path(step.key)
		if err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
		paths[i], ops[i] = path, step.make(path)
	}
	if s.sm.Fits(ops...) == nil { // else nothing is sent
		if err := s.checkAll(ctx, steps, paths); err != nil {
			return err
		}
	}
	for {
		_, err := s.sm.Txn(ctx, ops...)
		if !missing(err) {
			return err
		}
		made, dirErr := s.ensureParents(ctx, steps, paths)
		switch {
		case dirErr != nil:
			return dirErr
		case !made:
			return err
		}
	}
}

// checkAll checks the znodes that the steps change. It ignores a missing znode,
// which an earlier step may create: the transaction decides.
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
			return fmt.Errorf("step %d (%s): %w", i+1, paths[i], core.Inside(paths[i], err))
		}
	}
	return nil
}

// ensureParents creates the missing parents of created keys, except those that
// the transaction itself creates. It reports whether it has created any.
func (s *Store) ensureParents(ctx context.Context, steps []KeyOp, paths []string) (made bool, err error) {
	// A lagging server might still have parents that are gone.
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

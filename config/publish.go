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
	verb string // for errors
	key  string
	make func(path string) core.Op
	// creates says that the step needs the key's parent.
	creates bool
	writes  *write // nil for a step that leaves an existing key as it is
	version int32  // that the key must have, or AnyVersion; of no use if creates
}

// SetKey writes a key that exists, if it has the given version, or any version
// with session.AnyVersion.
func SetKey(key string, data []byte, version int32) KeyOp {
	return KeyOp{
		verb: "set", key: key, make: func(path string) core.Op { return core.SetOp(path, data, version) },
		writes: &write{data: data, version: version, missingOK: true}, version: version,
	}
}

// CreateKey creates a key that does not exist.
func CreateKey(key string, data []byte) KeyOp {
	return KeyOp{verb: "create", key: key, creates: true, make: func(path string) core.Op {
		return core.CreateOp(path, data, core.Persistent)
	}}
}

// DeleteKey removes a key, if it has the given version, or any version with
// session.AnyVersion.
func DeleteKey(key string, version int32) KeyOp {
	return KeyOp{
		verb: "delete", key: key, make: func(path string) core.Op { return core.DeleteOp(path, version) },
		writes: &write{remove: true, version: version, missingOK: true}, version: version,
	}
}

// CheckKey rejects the whole Publish unless a key has the given version, or
// exists if version is session.AnyVersion. It changes nothing.
func CheckKey(key string, version int32) KeyOp {
	return KeyOp{verb: "check", key: key, version: version, make: func(path string) core.Op { return core.CheckOp(path, version) }}
}

// Publish does all steps, in order and in one transaction, or none of them. No
// read sees only a part of the steps; but of two reads the first may be before
// the transaction and the second after it. Missing parents of created keys are
// created first, and remain if the transaction is rejected. ctx bounds the
// call.
//
// Errors: the reason of the rejected step, which the text names
// (session.ErrNoNode, session.ErrBadVersion, session.ErrNodeExists,
// session.ErrNotEmpty, session.ErrNoAuth). For session.ErrBadVersion the text has
// the version that the key has now. session.ErrForeign if a step would
// write or delete another recipe's znode: Publish reads the znodes of all steps
// first, in parallel. So is a step that would create a key with a name that only
// another recipe gives. session.ErrTooLarge, before anything is sent, if the
// steps do not fit in one request; session.ErrUnknownOutcome if the answer was
// lost: all steps were done or none, and Publish does not repeat them; no
// steps, the zero KeyOp or an invalid path, before anything is sent;
// session.ErrClosed. The path of the *session.OpError is the Store's base.
func (s *Store) Publish(ctx context.Context, steps ...KeyOp) error {
	s.made()
	return core.Failed("publish keys", s.base, s.publish(ctx, steps))
}

func (s *Store) publish(ctx context.Context, steps []KeyOp) error {
	if err := znode.ValidateRoot(s.base); err != nil {
		return fmt.Errorf("base: %w", err)
	}
	if len(steps) == 0 {
		return errors.New("there are no steps: give at least one")
	}
	ops := make([]core.Op, len(steps))
	paths := make([]string, len(steps))
	for i, step := range steps {
		if step.make == nil {
			return fmt.Errorf("step %d of %d is the zero KeyOp: make it with SetKey, CreateKey, DeleteKey or CheckKey", i+1, len(steps))
		}
		path, err := s.path(step.key)
		if err != nil {
			return failedStep(steps, i, err)
		}
		if step.creates {
			if err := core.Inside(path, mayCreate(path)); err != nil {
				return failedStep(steps, i, err)
			}
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
			return s.rejectedStep(ctx, steps, paths, err)
		}
		made, dirErr := s.ensureParents(ctx, steps, paths)
		switch {
		case dirErr != nil:
			return dirErr
		case !made:
			return s.rejectedStep(ctx, steps, paths, err)
		}
	}
}

// failedStep returns the error of one of the steps, which people count from one.
func failedStep(steps []KeyOp, i int, err error) error {
	return fmt.Errorf("step %d of %d (%s key %s): %w", i+1, len(steps), steps[i].verb, steps[i].key, err)
}

// rejectedStep returns the error of a transaction with the step that the server
// has rejected, in place of the operation of the request. It reads the version of
// a key that has another one than the step gives.
func (s *Store) rejectedStep(ctx context.Context, steps []KeyOp, paths []string, err error) error {
	i, reason, _ := core.RefusedReason(err)
	if reason == nil {
		return err
	}
	if errors.Is(reason, core.ErrBadVersion) {
		if stat, found, unread := s.sm.Exists(ctx, paths[i]); unread == nil && found && !core.Hidden(stat) && stat.Version != steps[i].version {
			reason = fmt.Errorf("%w: the step gives %d, and the key has %d now", reason, steps[i].version, stat.Version)
		}
	}
	return &stepError{failedStep(steps, i, reason), err}
}

// stepError has the text of a step, and wraps the error of the request.
type stepError struct{ text, err error }

func (e *stepError) Error() string { return e.text.Error() }
func (e *stepError) Unwrap() error { return e.err }

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
			return failedStep(steps, i, core.Inside(paths[i], err))
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

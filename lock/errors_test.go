package lock_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// failing returns calls of every verb that fail, by the Op of their errors. The
// path of the lock is invalid.
func failing(sm *session.Manager, path string) map[string][]func(context.Context) error {
	m, rw, one := lock.NewMutex(sm, path), lock.NewRWMutex(sm, path), lock.NewOneNode(sm, path)
	handoff := lock.NewMutex(sm, path, lock.Handoff(1))
	s, o := lock.NewSemaphore(sm, path, lock.SharedLimit("/limit", 1)), lock.NewOnce(sm, path, time.Hour)
	return map[string][]func(context.Context) error{
		"lock": {errorOf(m.Lock), errorOf(handoff.Lock), errorOf(rw.Lock), errorOf(one.Lock), func(ctx context.Context) error {
			return m.Do(ctx, func(context.Context, *lock.Hold) error { return nil })
		}},
		"try lock":             {errorOf(m.TryLock), errorOf(handoff.TryLock), errorOf(rw.TryLock), errorOf(one.TryLock)},
		"lock for reading":     {errorOf(rw.RLock), errorOf(rw.RLocker().Lock)},
		"try lock for reading": {errorOf(rw.TryRLock)},
		"list holders":         {errorOf(m.Holders), errorOf(rw.Holders), errorOf(one.Holders), errorOf(s.Holders)},
		"list waiters":         {errorOf(m.Waiters), errorOf(rw.Waiters), errorOf(s.Waiters)},
		"revoke": {errorOf(m.Revoke), errorOf(rw.Revoke), errorOf(one.Revoke), func(ctx context.Context) error {
			return lock.Revoke(ctx, sm, path)
		}},
		"acquire permits":     {func(ctx context.Context) error { _, err := s.Acquire(ctx, 1); return err }},
		"try acquire permits": {func(ctx context.Context) error { _, err := s.TryAcquire(ctx, 1); return err }},
		"get limit":           {errorOf(s.Limit)},
		"resize semaphore":    {func(ctx context.Context) error { return s.Resize(ctx, 2) }},
		"start run":           {errorOf(o.Start)},
		"get last run":        {func(ctx context.Context) error { _, err := o.Last(ctx); return err }},
	}
}

func errorOf[T any](call func(context.Context) (T, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := call(ctx)
		return err
	}
}

// Every error says the verb and the path, even if no request was sent.
func TestErrorsSayTheVerbAndThePath(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		for op, calls := range failing(w.Process().Manager, "locks/a") {
			for _, call := range calls {
				err := call(w.Context())
				var failed *session.OpError
				require.ErrorAs(t, err, &failed, op)
				require.Equal(t, op, failed.Op)
				require.Equal(t, "locks/a", failed.Path)
				require.ErrorContains(t, err, op+" locks/a: ")
				require.ErrorContains(t, err, "relative")
			}
		}
	})
}

// A constructor takes the options that it uses. Any other does not compile.
func TestOptionsFitTheirConstructors(t *testing.T) {
	constructors := map[string]any{
		"NewMutex": lock.NewMutex, "NewRWMutex": lock.NewRWMutex, "NewOneNode": lock.NewOneNode, "NewSemaphore": lock.NewSemaphore,
		"NewOnce": lock.NewOnce,
	}
	for _, c := range []struct {
		option any
		fits   []string
	}{
		{lock.ID, []string{"NewMutex", "NewRWMutex", "NewOneNode", "NewSemaphore", "NewOnce"}},
		{lock.ParentSessions, []string{"NewMutex", "NewRWMutex", "NewOneNode", "NewSemaphore", "NewOnce"}},
		{lock.Revocable, []string{"NewMutex", "NewRWMutex", "NewOneNode"}},
		{lock.Handoff, []string{"NewMutex"}},
		{lock.Slack, []string{"NewOnce"}},
		{lock.WaitForRun, []string{"NewOnce"}},
		{lock.RerunLost, []string{"NewOnce"}},
		{lock.RerunFailed, []string{"NewOnce"}},
	} {
		option := reflect.TypeOf(c.option).Out(0)
		var fits []string
		for name, constructor := range constructors {
			f := reflect.TypeOf(constructor)
			if option.AssignableTo(f.In(f.NumIn() - 1).Elem()) {
				fits = append(fits, name)
			}
		}
		require.ElementsMatch(t, c.fits, fits, option.Name())
	}
}

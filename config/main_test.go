package config_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const timeout = 12 * time.Second

// Limits is a configuration as users have it.
type Limits struct {
	QPS   int               `json:"qps"`
	Hosts []string          `json:"hosts,omitempty"`
	Tags  map[string]string `json:"tags,omitempty"`
}

func positive(l Limits) error {
	if l.QPS <= 0 {
		return errors.New("qps must be positive")
	}
	return nil
}

// world is a testworld with a process.
type world struct {
	*testworld.World
	p  *testworld.Process
	sm *session.Manager // of the process
}

func inWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	testworld.Run(t, func(inner *testworld.World) {
		w := &world{World: inner}
		w.p = w.process()
		w.sm = w.p.Manager
		f(w.T, w)
	})
}

func (w *world) process() *testworld.Process {
	w.Helper()
	return w.Process(testworld.Timeout(timeout))
}

// open opens a value that must open, and closes it with the test.
func open[T any](w *world, path string, codec config.Codec[T], opts ...config.Option[T]) *config.Value[T] {
	w.Helper()
	return openIn(w, w.sm, path, codec, opts...)
}

func openIn[T any](w *world, sm *session.Manager, path string, codec config.Codec[T], opts ...config.Option[T]) *config.Value[T] {
	w.Helper()
	v, err := config.Open(w.Context(), sm, path, codec, opts...)
	require.NoError(w, err)
	w.Cleanup(func() { require.NoError(w, v.Close()) })
	return v
}

// await waits, in virtual time, until ok holds for what Changes yields.
func await[T any](w *world, v *config.Value[T], ok func(*config.Snapshot[T], error) bool) *config.Snapshot[T] {
	w.Helper()
	for snap, err := range v.Changes(w.Within(10 * time.Minute)) {
		if ok(snap, err) {
			return snap
		}
	}
	require.FailNow(w, "it never came", "last: %+v, err %v", v.Load(), v.Err())
	return nil
}

func becomes[T comparable](want T) func(*config.Snapshot[T], error) bool {
	return func(s *config.Snapshot[T], err error) bool { return err == nil && s.Exists && s.Value == want }
}

func gone[T any](s *config.Snapshot[T], err error) bool { return err == nil && !s.Exists }

// must returns the result of a call that does not fail.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

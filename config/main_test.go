package config_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
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

// world is one server and one process, in a bubble of virtual time.
type world struct {
	t    *testing.T
	srv  *zktest.Server
	link *zktest.Link
	sm   *session.Manager
}

func inWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, srv: zktest.New(t)}
		w.link = w.srv.Link()
		w.sm = w.dial(w.link)
		f(t, w)
	})
}

// dial starts one more process.
func (w *world) dial(link *zktest.Link) *session.Manager {
	w.t.Helper()
	sm, err := session.Dial(w.t.Context(), session.Config{
		Servers: []string{"zk1"}, Timeout: timeout, Dialer: link.DialContext, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, sm.Close()) })
	return sm
}

func (w *world) session() *core.Session {
	w.t.Helper()
	s, err := bridge.Core(w.sm).Session(w.t.Context())
	require.NoError(w.t, err)
	return s
}

func (w *world) put(path, data string) {
	w.t.Helper()
	require.NoError(w.t, w.srv.Put(path, []byte(data)))
}

func (w *world) remove(path string) {
	w.t.Helper()
	require.NoError(w.t, w.srv.Remove(path))
}

func (w *world) data(path string) string {
	w.t.Helper()
	node, found := w.srv.Node(path)
	require.True(w.t, found, "%s is missing", path)
	return string(node.Data)
}

// open opens a value that must open, and closes it with the test.
func open[T any](w *world, path string, codec config.Codec[T], opts ...config.Option[T]) *config.Value[T] {
	w.t.Helper()
	return openIn(w, w.sm, path, codec, opts...)
}

func openIn[T any](w *world, sm *session.Manager, path string, codec config.Codec[T], opts ...config.Option[T]) *config.Value[T] {
	w.t.Helper()
	v, err := config.Open(w.t.Context(), sm, path, codec, opts...)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, v.Close()) })
	return v
}

// await waits, in virtual time, until ok holds for what Changes yields.
func await[T any](w *world, v *config.Value[T], ok func(*config.Snapshot[T], error) bool) *config.Snapshot[T] {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Minute)
	defer cancel()
	for snap, err := range v.Changes(ctx) {
		if ok(snap, err) {
			return snap
		}
	}
	require.FailNow(w.t, "it never came", "last: %+v, err %v", v.Load(), v.Err())
	return nil
}

func becomes[T comparable](want T) func(*config.Snapshot[T], error) bool {
	return func(s *config.Snapshot[T], err error) bool { return err == nil && s.Exists && s.Value == want }
}

func gone[T any](s *config.Snapshot[T], err error) bool { return err == nil && !s.Exists }

// fail makes the server answer every request of the kind on the path with code.
func (w *world) fail(op zktest.Op, path string, code zktest.Code) (remove func()) {
	return w.srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == op && r.Path == path {
			return zktest.Fail(code)
		}
		return zktest.Pass
	})
}

// once does something to the first request of the kind on the path.
func (w *world) once(op zktest.Op, path string, do func() zktest.Action) {
	done := false // interceptors are called one at a time
	w.srv.Intercept(func(r zktest.Request) zktest.Action {
		if done || r.Op != op || r.Path != path {
			return zktest.Pass
		}
		done = true
		return do()
	})
}

// errOf returns the error of a call with two results.
func errOf[T any](_ T, err error) error { return err }

// must returns the result of a call that does not fail.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

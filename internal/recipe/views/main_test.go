package views

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const timeout = 12 * time.Second

// world is one server and one process, in a bubble of virtual time.
type world struct {
	t    *testing.T
	srv  *zktest.Server
	link *zktest.Link
	sm   *core.Manager
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
func (w *world) dial(link *zktest.Link) *core.Manager {
	w.t.Helper()
	sm, err := core.Dial(w.t.Context(), core.Config{
		Servers: []string{"zk1"}, Timeout: timeout, Dialer: link.DialContext, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, sm.Close()) })
	return sm
}

func (w *world) session(sm *core.Manager) *core.Session {
	w.t.Helper()
	s, err := sm.Session(w.t.Context())
	require.NoError(w.t, err)
	return s
}

func (w *world) open(cfg Config) *Node {
	w.t.Helper()
	m, err := Open(w.t.Context(), w.sm, cfg)
	require.NoError(w.t, err)
	w.t.Cleanup(m.Close)
	return m
}

func (w *world) put(path, data string) {
	w.t.Helper()
	require.NoError(w.t, w.srv.Put(path, []byte(data)))
}

func (w *world) remove(path string) {
	w.t.Helper()
	require.NoError(w.t, w.srv.Remove(path))
}

// show prints a state: "-" for a missing node, else its data or children.
func show(s *State) string {
	switch {
	case !s.Exists:
		return "-"
	case s.Children != nil:
		return fmt.Sprint(s.Children)
	}
	return string(s.Data)
}

// settled waits until all goroutines are idle, and prints the state.
func (w *world) settled(m *Node) string {
	w.t.Helper()
	synctest.Wait()
	return show(m.Load())
}

// await waits, in virtual time, until the state satisfies ok.
func (w *world) await(m *Node, ok func(*State) bool) *State {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Minute)
	defer cancel()
	for {
		s := m.Load()
		if ok(s) {
			return s
		}
		select {
		case <-s.Next():
		case <-ctx.Done():
			require.FailNow(w.t, "the state never came", "last: %q, err %v", show(s), s.Err)
		}
	}
}

func shows(want string) func(*State) bool {
	return func(s *State) bool { return show(s) == want && s.Err == nil }
}

// requireClosed requires the error of a view after its own Close. The error of a
// view after the end of its Manager matches core.ErrLost too.
func requireClosed(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, core.ErrClosed)
	require.NotErrorIs(t, err, core.ErrLost)
}

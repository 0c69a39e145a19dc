package views

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const timeout = 12 * time.Second

// world is a testworld with a process.
type world struct {
	*testworld.World
	p  *testworld.Process
	sm *core.Manager // of the process
}

func inWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	testworld.Run(t, func(inner *testworld.World) {
		w := &world{World: inner}
		w.p = w.process()
		w.sm = w.p.Core()
		f(w.T, w)
	})
}

func (w *world) process() *testworld.Process {
	w.Helper()
	return w.Process(testworld.Timeout(timeout))
}

func (w *world) open(cfg Config) *Node {
	w.Helper()
	m, err := Open(w.Context(), w.sm, cfg)
	require.NoError(w, err)
	w.Cleanup(m.Close)
	return m
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
	w.Helper()
	synctest.Wait()
	return show(m.Load())
}

// await waits, in virtual time, until the state satisfies ok.
func (w *world) await(m *Node, ok func(*State) bool) *State {
	w.Helper()
	ctx := w.Within(10 * time.Minute)
	for {
		s := m.Load()
		if ok(s) {
			return s
		}
		select {
		case <-s.Next():
		case <-ctx.Done():
			require.FailNow(w, "the state never came", "last: %q, err %v", show(s), s.Err)
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

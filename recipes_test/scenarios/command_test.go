package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// Exit codes of the command's contract.
const (
	exitHeld = 75
	exitLost = 79
)

// shell runs commands against the ensemble. Only one CMD at a time may have its
// marker.
type shell struct {
	tb     testing.TB
	env    []string
	marker string
}

func newShell(tb testing.TB, e *ensemble.Ensemble) *shell {
	marker := filepath.Join(tb.TempDir(), "marker")
	return &shell{tb, []string{"DOCENT_SERVERS=" + e.ConnectString(), "MARKER=" + marker}, marker}
}

func (s *shell) docent(args ...string) *ensemble.Cmd {
	return ensemble.Run(s.tb, s.env, args...)
}

// exclusive is a script that takes the marker, prints its token, works, and
// gives the marker back. It prints OVERLAP if another CMD has the marker.
func exclusive(work string) []string {
	return []string{"--", "sh", "-c", `mkdir "$MARKER" || { echo OVERLAP; exit 9; }
trap 'rmdir "$MARKER"' EXIT
trap 'exit 143' TERM
echo "token $DOCENT_TOKEN"
` + work}
}

// token returns the token that the script has printed.
func token(tb testing.TB, c *ensemble.Cmd) int64 {
	tb.Helper()
	n, err := strconv.ParseInt(strings.TrimPrefix(c.WaitLine(`^token \d+$`, patience).Text, "token "), 10, 64)
	require.NoError(tb, err)
	return n
}

// forever is work that continues until a signal.
const forever = "while :; do sleep 0.05; done"

func TestCommandLockExcludes(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	s := newShell(t, e)
	var running []*ensemble.Cmd
	for range 6 {
		running = append(running, s.docent(append([]string{"lock", "/l", "--timeout", "4s"}, exclusive("sleep 0.2")...)...))
	}
	e.Leader().Kill() // in the midst of it
	tokens := make(map[int64]bool)
	for _, c := range running {
		require.Zero(t, c.Wait(patience), c.Stderr())
		require.NotContains(t, c.Stdout(), "OVERLAP")
		tokens[token(t, c)] = true
	}
	require.Len(t, tokens, len(running))
}

func TestCommandTry(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	s := newShell(t, ensemble.Start(t, 3))
	holder := s.docent(append([]string{"lock", "/l"}, exclusive(forever)...)...)
	token(t, holder)
	try := s.docent("lock", "/l", "--try", "--", "echo", "never")
	require.Equal(t, exitHeld, try.Wait(patience))
	require.Empty(t, try.Stdout())
	require.Equal(t, 1, strings.Count(try.Stderr(), "\n"), try.Stderr())
	require.Contains(t, try.Stderr(), "/l")
	wait := s.docent("lock", "/l", "--wait", "300ms", "--", "echo", "never")
	require.Equal(t, exitHeld, wait.Wait(patience))
	holder.Signal(syscall.SIGTERM)
	require.Equal(t, 143, holder.Wait(patience))
	free := s.docent("lock", "/l", "--try", "--", "echo", "got it")
	require.Zero(t, free.Wait(patience))
	require.Equal(t, "got it\n", free.Stdout())
}

// A killed holder ends its CMD. The next waiter has the lock when the session
// has expired.
func TestCommandHolderKilled(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	s := newShell(t, ensemble.Start(t, 3))
	holder := s.docent(append([]string{"lock", "/l", "--timeout", "2s"}, exclusive(forever)...)...)
	first := token(t, holder)
	waiter := s.docent("lock", "/l", "--timeout", "2s", "--", "sh", "-c", `echo "token $DOCENT_TOKEN"`)
	before := time.Now()
	holder.Kill()
	second := token(t, waiter)
	t.Logf("the waiter has the lock %v after kill -9, with sessions of 2s", time.Since(before))
	require.Greater(t, second, first)
	require.Zero(t, waiter.Wait(patience))
}

// A holder is stopped for longer than its session, and continues. It stops its
// CMD and reports that the hold is lost.
func TestCommandHolderStopped(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	s := newShell(t, ensemble.Start(t, 3))
	holder := s.docent("lock", "/l", "--timeout", "2s", "--", "sh", "-c",
		`trap 'echo stopped; exit 1' TERM; echo "token $DOCENT_TOKEN"; `+forever)
	first := token(t, holder)
	waiter := s.docent(append([]string{"lock", "/l", "--timeout", "2s"}, exclusive(forever)...)...)
	holder.Signal(syscall.SIGSTOP)
	second := token(t, waiter)
	require.Greater(t, second, first)
	holder.Signal(syscall.SIGCONT)
	holder.WaitLine("^stopped$", patience)
	require.Equal(t, exitLost, holder.Wait(patience))
	require.Contains(t, holder.Stderr(), "lost")
	_, ended := waiter.Exited()
	require.False(t, ended)
}

// Three candidates elect a leader. The leader is killed repeatedly, while the
// servers are restarted one by one. No two CMDs run at a time.
func TestCommandElect(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	s := newShell(t, e)
	candidate := func(i int) *ensemble.Cmd {
		return s.docent(append([]string{"elect", "/e", "--id", fmt.Sprintf("c%d", i), "--timeout", "2s"}, exclusive(forever)...)...)
	}
	candidates := []*ensemble.Cmd{candidate(0), candidate(1), candidate(2)}
	terms := make([]int, len(candidates)) // terms of each candidate so far
	last := int64(0)
	for round := range 4 {
		var leader int
		ensemble.Eventually(t, patience, "a leader", func() bool {
			for i, c := range candidates {
				if n := strings.Count(c.Stdout(), "token "); n > terms[i] {
					terms[i], leader = n, i
					return true
				}
			}
			return false
		})
		lines := strings.Split(strings.TrimSpace(candidates[leader].Stdout()), "\n")
		n, err := strconv.ParseInt(strings.TrimPrefix(lines[len(lines)-1], "token "), 10, 64)
		require.NoError(t, err)
		require.Greater(t, n, last)
		last = n

		server := e.Server(round % 3)
		server.Kill()
		server.Restart()
		require.NoError(t, e.WaitQuorum(within(t, patience)))
		candidates[leader].Kill()
		// CMD dies with its docent process, but cannot clear the marker.
		candidates[leader].Wait(patience)
		require.NoError(t, os.RemoveAll(s.marker))
		candidates[leader], terms[leader] = candidate(leader), 0
	}
	for _, c := range candidates {
		require.NotContains(t, c.Stdout(), "OVERLAP")
	}
	for _, c := range candidates {
		c.Signal(syscall.SIGTERM)
	}
	for _, c := range candidates {
		c.Wait(patience)
	}
	ensemble.Eventually(t, patience, "the last killed session has expired, and no candidate leads", func() bool {
		return s.docent("leader", "/e").Wait(patience) == 1
	})
}

// The watcher prints the present value and then every settled change: through a
// change, a deletion, a new create, and the loss of its server.
func TestCommandConfigWatch(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	s := newShell(t, e)
	do := func(args ...string) string {
		t.Helper()
		c := s.docent(append([]string{"config"}, args...)...)
		require.Zero(t, c.Wait(patience), c.Stderr())
		return c.Stdout()
	}
	do("set", "/c", "one", "--create")
	watch := s.docent("config", "watch", "/c")
	watch.WaitLine("one", patience)
	do("set", "/c", "two")
	watch.WaitLine("two", patience)
	do("delete", "/c")
	watch.WaitLine("deleted", patience)
	do("set", "/c", "three", "--create")
	watch.WaitLine("three", patience)
	for i := range 3 {
		e.Server(i).Kill()
		value := fmt.Sprintf("without server %d", i)
		do("set", "/c", value)
		watch.WaitLine(value, patience)
		e.Server(i).Restart()
		require.NoError(t, e.WaitQuorum(within(t, patience)))
	}
	require.Equal(t, "without server 2", strings.TrimSuffix(do("get", "/c"), "\n"))
	watch.Signal(syscall.SIGTERM)
	require.Zero(t, watch.Wait(patience), watch.Stderr())
}

//go:build unix

package inspect

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// Two scripts take one lock inside another with docent lock, and each waits for
// the other's. Each lock has a session of its own.
func TestDeadlockOfScripts(t *testing.T) {
	w := inWorld(t)
	ours := w.docent()
	docent := ensemble.BuildDocent(t)
	script := func(locks ...string) *ensemble.Cmd {
		args := []string{"true"}
		for i := len(locks) - 1; i >= 0; i-- {
			args = append([]string{docent, "--servers", w.ConnectString(), "lock", locks[i], "--"}, args...)
		}
		return ensemble.Exec(t, nil, args[0], args[1:]...)
	}
	first, second := w.hold(ours, "/gate/1"), w.hold(ours, "/gate/2")
	one, two := script("/l/1", "/gate/1", "/l/2"), script("/l/2", "/gate/2", "/l/1")
	w.waiters("/gate/1", 1)
	w.waiters("/gate/2", 1)
	require.Empty(t, w.deadlocks())
	require.NoError(t, first.Release())
	w.waiters("/l/2", 1)
	require.Empty(t, w.deadlocks(), "a chain without a cycle")
	require.NoError(t, second.Release())
	w.waiters("/l/1", 1)

	found := w.deadlocks()
	require.Len(t, found, 1)
	require.Len(t, found[0].Cycle, 2)
	for i, link := range found[0].Cycle {
		next := found[0].Cycle[1-i].Waiter
		require.Len(t, next.ParentSessions, 2)
		require.Equal(t, next.ParentSessions[0], link.Holder.Session)
		require.NotEqual(t, next.Session, link.Holder.Session)
	}
	look := ensemble.Run(t, nil, "--servers", w.ConnectString(), "inspect", "--deadlocks", "--confirm", "100ms")
	require.Equal(t, 1, look.Wait(patience))
	require.Regexp(t, `waits at /l/2 \(lock\) for \S+ \(pid \d+ on \S+\), session 0x\w+, whose command runs \S+ \(pid \d+ on \S+\), session 0x\w+\n`, look.Stdout())

	one.Signal(syscall.SIGTERM)
	require.Equal(t, 128+int(syscall.SIGTERM), one.Wait(patience))
	require.Zero(t, two.Wait(patience))
	require.Empty(t, w.deadlocks())
}

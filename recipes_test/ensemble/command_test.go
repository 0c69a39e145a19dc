package ensemble_test

import (
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

func sh(t *testing.T, script string) *ensemble.Cmd {
	t.Helper()
	return ensemble.Exec(t, []string{"GREETING=hello"}, "/bin/sh", "-c", script)
}

func TestCommandOutputAndExitCode(t *testing.T) {
	c := sh(t, `echo "$GREETING"; echo oops >&2; printf 'no line break'; exit 7`)
	require.Equal(t, 7, c.Wait(soon))
	require.Equal(t, "hello\nno line break\n", c.Stdout())
	require.Equal(t, "oops\n", c.Stderr())
	code, ended := c.Exited()
	require.True(t, ended)
	require.Equal(t, 7, code)
	for _, line := range c.Lines() {
		require.Positive(t, line.At)
	}
}

func TestCommandWaitLineNeverFindsALineTwice(t *testing.T) {
	c := sh(t, `echo tick 1; echo tick 2; read forever`)
	require.Equal(t, "tick 1", c.WaitLine(`^tick`, soon).Text)
	second := c.WaitLine(`^tick`, soon)
	require.Equal(t, "tick 2", second.Text)
	c.Wait(soon) // standard input is empty
	require.Len(t, c.Lines(), 2)
}

func TestCommandSignals(t *testing.T) {
	c := sh(t, `trap 'echo asked; exit 3' TERM; echo ready; while :; do sleep 0.05; done`)
	c.WaitLine(`ready`, soon)
	_, ended := c.Exited()
	require.False(t, ended)
	c.Signal(syscall.SIGTERM)
	c.WaitLine(`asked`, soon)
	require.Equal(t, 3, c.Wait(soon))

	c = sh(t, `echo ready; while :; do sleep 0.05; done`)
	c.WaitLine(`ready`, soon)
	c.Kill()
	require.Equal(t, 128+int(syscall.SIGKILL), c.Wait(soon))
	c.Kill() // a second Kill is harmless
}

// TestCommandLeavesNoChildren: the children of a killed command end with the
// test.
func TestCommandLeavesNoChildren(t *testing.T) {
	var orphan int
	t.Run("command", func(t *testing.T) {
		c := sh(t, `sleep 1000 & echo $!; wait`)
		pid, err := strconv.Atoi(c.WaitLine(`^\d+$`, soon).Text)
		require.NoError(t, err)
		orphan = pid
		c.Kill()
		require.Equal(t, 137, c.Wait(soon))
		require.NoError(t, syscall.Kill(orphan, 0), "a crash of the command alone leaves its child")
	})
	ensemble.Eventually(t, soon, "the orphan is gone", func() bool { return gone(orphan) })
}

// gone reports whether a process that is not our child has ended. Its new
// parent may not have reaped it yet.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && containsZombie(string(stat))
}

// containsZombie parses the state in /proc/PID/stat, the field after the
// parenthesised name.
func containsZombie(stat string) bool {
	for i := len(stat) - 1; i >= 0; i-- {
		if stat[i] == ')' {
			return i+2 < len(stat) && stat[i+2] == 'Z'
		}
	}
	return false
}

func TestRunBuildsTheCommandOnce(t *testing.T) {
	program := ensemble.BuildDocent(t)
	require.Equal(t, program, ensemble.BuildDocent(t))
	require.FileExists(t, program)

	c := ensemble.Run(t, nil, "version")
	require.Equal(t, 0, c.Wait(soon), c.Stderr())
	require.NotEmpty(t, c.Stdout())
}

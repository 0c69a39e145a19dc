package child

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rounds is how often a test tries an order of signals that the system decides.
const rounds = 30

// stop stops a command and waits until the kernel says so: a SIGCONT that
// comes earlier takes the SIGSTOP back.
func stop(t *testing.T, pid int) {
	t.Helper()
	require.NoError(t, syscall.Kill(-pid, syscall.SIGSTOP))
	for !bytes.Equal(state(t, pid), []byte("T")) {
		runtime.Gosched()
	}
}

// state returns the letter that the kernel gives to the state of a process.
func state(t *testing.T, pid int) []byte {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	return bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])[0]
}

// ready reads the line with which a command says that it is, and its id.
func ready(t *testing.T, out lines) (pid int) {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimPrefix(out.next(), "ready "))
	require.NoError(t, err)
	return pid
}

// Of a command that is stopped, SIGTERM and SIGCONT are pending at once. Which
// of its handlers runs first is the kernel's to say.
func TestFault37_TerminatesStoppedCommand(t *testing.T) {
	for range rounds {
		ctx, cancel := context.WithCancel(t.Context())
		out, ended := run(t, ctx, command("signals", "pid"), nil)
		stop(t, ready(t, out))
		cancel()
		require.Equal(t, Outcome{Code: 7, Stopped: true}, <-ended)
		requireTerminated(t, out)
	}
}

// A signal that means the end reaches a stopped command before its grace period
// is over.
func TestFault37_EndingSignalContinuesStoppedCommand(t *testing.T) {
	for range rounds {
		signals := make(chan os.Signal)
		c := command("signals", "pid")
		c.Ending = []os.Signal{syscall.SIGTERM}
		out, ended := run(t, t.Context(), c, signals)
		stop(t, ready(t, out))
		signals <- syscall.SIGTERM
		require.Equal(t, Outcome{Code: 7, Signals: []os.Signal{syscall.SIGTERM}}, <-ended)
		requireTerminated(t, out)
	}
}

// A stopped command that does not handle SIGTERM does nothing more: it has no
// hold any longer. Were SIGCONT sent first, the command would run on for a
// moment, and its handler would speak.
func TestFault37_StoppedCommandDoesNotRunOn(t *testing.T) {
	const script = `trap 'echo ran on' CONT; echo ready $$; while :; do read line; done`
	for range rounds {
		stdin, never, err := os.Pipe()
		require.NoError(t, err)
		defer stdin.Close()
		defer never.Close()
		ctx, cancel := context.WithCancel(t.Context())
		out, ended := run(t, ctx, Command{
			Args: []string{"sh", "-c", script}, Env: os.Environ(), Stdin: stdin, Grace: time.Minute,
		}, nil)
		stop(t, ready(t, out))
		cancel()
		require.Equal(t, Outcome{Code: 128 + 15, Stopped: true}, <-ended)
		require.False(t, out.Scan(), "the command has gone on: %s", out.Text())
	}
}

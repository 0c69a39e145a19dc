package child

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// requireGone waits until a process that is not ours to wait for has ended.
func requireGone(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return true
		}
		// A dead process is a zombie until its parent waits for it.
		return bytes.HasPrefix(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" Z"))
	}, 3*time.Minute, 5*time.Millisecond)
}

func TestRun_parentKilled_killsTheCommand(t *testing.T) {
	parent := self("parent")
	stdout, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	out := lines{bufio.NewScanner(stdout), t}
	pid, err := strconv.Atoi(out.next())
	require.NoError(t, err)
	require.NoError(t, parent.Process.Signal(syscall.SIGKILL))
	require.Error(t, parent.Wait())
	requireGone(t, pid)
}

func TestRun_contextEnds_stopsWhatTheCommandStarted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := command("family")
	c.Grace = 50 * time.Millisecond
	out, ended := run(t, ctx, c, nil)
	grandchild, err := strconv.Atoi(out.next())
	require.NoError(t, err)
	cancel()
	require.Equal(t, Outcome{Code: 128 + 15, Stopped: true}, <-ended)
	requireGone(t, grandchild)
}

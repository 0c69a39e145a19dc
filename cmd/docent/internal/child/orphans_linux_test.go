package child

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func init() { adoptRole = adopt }

// adopt stands for process 1 of a container: it gets the orphans among its
// descendants. It runs a shell that leaves one behind, and ends with the exit
// code of the shell when its own standard input ends.
func adopt() {
	const setChildSubreaper = 36
	if _, _, errno := syscall.Syscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0); errno != 0 {
		panic(errno)
	}
	stop := ReapOrphans()
	out, err := Run(exitOnSignal, Command{
		Args: []string{"sh", "-c", os.Args[1]}, Env: withoutRole(), Stdin: nil, Stdout: os.Stdout, Stderr: os.Stderr, Grace: time.Minute,
	}, nil)
	if err != nil {
		panic(err)
	}
	bufio.NewScanner(os.Stdin).Scan()
	stop()
	os.Exit(out.Code)
}

func withoutRole() (env []string) {
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, roleVar+"=") {
			env = append(env, entry)
		}
	}
	return env
}

// An orphan of the command is reaped, also if it outlives the command. The
// command's own exit code is not lost.
func TestReapOrphans(t *testing.T) {
	for i := range 5 {
		fifo := filepath.Join(t.TempDir(), "fifo")
		require.NoError(t, syscall.Mkfifo(fifo, 0o600))
		// The first orphan ends while the command runs, the second after it.
		cmd := self("adopt", `(sh -c 'echo $$' & wait) & wait; (sh -c 'echo $$; read x <"`+fifo+`"' >&1 &) ; exit `+strconv.Itoa(40+i))
		stdin, err := cmd.StdinPipe()
		require.NoError(t, err)
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		cmd.Stderr = os.Stderr
		require.NoError(t, cmd.Start())
		in := bufio.NewScanner(stdout)
		var pids []string
		for len(pids) < 2 {
			require.True(t, in.Scan())
			pids = append(pids, in.Text())
		}
		end, err := os.OpenFile(fifo, os.O_WRONLY, 0) // when the orphan reads
		require.NoError(t, err)
		require.NoError(t, end.Close())
		for _, pid := range pids {
			require.Eventually(t, func() bool {
				_, err := os.Stat("/proc/" + pid)
				return os.IsNotExist(err)
			}, time.Minute, time.Millisecond, "a zombie is left")
		}
		require.NoError(t, stdin.Close())
		var exited *exec.ExitError
		require.ErrorAs(t, cmd.Wait(), &exited)
		require.Equal(t, 40+i, exited.ExitCode())
	}
}

// A process that gets no orphans leaves its children alone.
func TestReapOrphans_elsewhere(t *testing.T) {
	stop := ReapOrphans()
	defer stop()
	cmd := self("exit", "9")
	var exited *exec.ExitError
	require.ErrorAs(t, cmd.Run(), &exited)
	require.Equal(t, 9, exited.ExitCode())
}

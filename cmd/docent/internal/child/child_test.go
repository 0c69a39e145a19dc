//go:build unix

package child

import (
	"bufio"
	"bytes"
	"context"
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

// exitOnSignal never ends.
var exitOnSignal = context.Background()

// command is a Command that plays a role.
func command(role string, args ...string) Command {
	return Command{
		Args:  append([]string{os.Args[0]}, args...),
		Env:   append(os.Environ(), roleVar+"="+role),
		Grace: time.Minute, // which no test waits for
	}
}

func self(role string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleVar+"="+role)
	return cmd
}

// lines is the reading end of a command's output.
type lines struct {
	*bufio.Scanner
	t *testing.T
}

func (l lines) next() string {
	l.t.Helper()
	require.True(l.t, l.Scan(), "the command has closed its output")
	return l.Text()
}

// run runs the command in the background. Its output goes to a pipe.
func run(t *testing.T, ctx context.Context, c Command, signals <-chan os.Signal) (lines, <-chan Outcome) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	c.Stdout, c.Stderr = w, os.Stderr
	ended := make(chan Outcome, 1)
	go func() {
		defer w.Close()
		out, err := Run(ctx, c, signals)
		if err != nil {
			t.Error(err)
		}
		ended <- out
	}()
	return lines{bufio.NewScanner(r), t}, ended
}

func TestRun_exitCodes(t *testing.T) {
	for _, code := range []int{0, 1, 42, 255} {
		out, err := Run(t.Context(), command("exit", strconv.Itoa(code)), nil)
		require.NoError(t, err)
		require.Equal(t, Outcome{Code: code}, out)
	}
}

func TestRun_killedBySignal(t *testing.T) {
	out, err := Run(t.Context(), command("suicide"), nil)
	require.NoError(t, err)
	require.Equal(t, Outcome{Code: 128 + 9}, out)
}

func TestRun_passesStreamsArgumentsAndEnvironment(t *testing.T) {
	c := command("echo", "-x", "a b")
	c.Env = append(c.Env, "DOCENT_TOKEN=17")
	c.Stdin = strings.NewReader("one\ntwo\n")
	var stdout bytes.Buffer
	c.Stdout = &stdout
	out, err := Run(t.Context(), c, nil)
	require.NoError(t, err)
	require.Zero(t, out.Code)
	require.Equal(t, "17 [-x a b]\nread one\nread two\n", stdout.String())
}

func TestRun_cannotStart(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	require.NoError(t, os.WriteFile(plain, []byte("text"), 0o644))
	garbage := filepath.Join(dir, "garbage")
	require.NoError(t, os.WriteFile(garbage, []byte("\x00\x01\x02"), 0o755))
	for _, c := range []struct {
		name string
		code int
		line string
	}{
		{"docent-no-such-command", CodeNotFound, `command "docent-no-such-command" was not found`},
		{filepath.Join(dir, "missing"), CodeNotFound, `command "` + filepath.Join(dir, "missing") + `" was not found`},
		{plain, CodeNotExecutable, `command "` + plain + `" cannot be executed: permission denied`},
		{dir, CodeNotExecutable, `command "` + dir + `" cannot be executed: is a directory`},
		{garbage, CodeNotExecutable, `command "` + garbage + `" cannot be executed: exec format error`},
	} {
		_, err := Run(t.Context(), Command{Args: []string{c.name}}, nil)
		var start *StartError
		require.ErrorAs(t, err, &start, c.name)
		require.Equal(t, c.code, start.Code, c.name)
		require.EqualError(t, err, c.line)
		if c.name != garbage { // only the kernel knows
			require.EqualError(t, Look(c.name), c.line)
		}
	}
	require.NoError(t, Look(os.Args[0]))
}

func TestRun_passesSignalsOnOnce(t *testing.T) {
	signals := make(chan os.Signal)
	out, ended := run(t, t.Context(), command("signals"), signals)
	require.Equal(t, "ready", out.next())
	sent := []os.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGINT, syscall.SIGUSR2, syscall.SIGQUIT, syscall.SIGTERM}
	for _, sig := range sent {
		signals <- sig
		require.Equal(t, sig.String(), out.next())
	}
	require.Equal(t, Outcome{Code: 7, Signals: sent}, <-ended)
	require.False(t, out.Scan(), "nothing came twice")
}

func TestRun_contextEnds_terminates(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out, ended := run(t, ctx, command("signals"), nil)
	require.Equal(t, "ready", out.next())
	cancel()
	require.Equal(t, Outcome{Code: 7, Stopped: true}, <-ended)
	requireTerminated(t, out)
}

// requireTerminated reads what the role "signals" has printed after a SIGTERM.
// The SIGCONT that goes along with it may be handled first, or never.
func requireTerminated(t *testing.T, out lines) {
	t.Helper()
	line := out.next()
	if line == syscall.SIGCONT.String() {
		line = out.next()
	}
	require.Equal(t, syscall.SIGTERM.String(), line)
	require.False(t, out.Scan(), "no signal comes twice")
}

func TestRun_contextEnds_killsAfterGrace(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := command("stubborn")
	c.Grace = time.Millisecond
	out, ended := run(t, ctx, c, nil)
	require.Equal(t, "ready", out.next())
	cancel()
	require.Equal(t, Outcome{Code: 128 + 9, Stopped: true}, <-ended)
}

func TestRun_endingSignal_killsAfterGrace(t *testing.T) {
	signals := make(chan os.Signal)
	c := command("stubborn")
	c.Grace = time.Millisecond
	c.Ending = []os.Signal{syscall.SIGTERM}
	out, ended := run(t, t.Context(), c, signals)
	require.Equal(t, "ready", out.next())
	signals <- syscall.SIGTERM
	require.Equal(t, Outcome{Code: 128 + 9, Signals: []os.Signal{syscall.SIGTERM}}, <-ended)
}

func TestRun_contextHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := command("stubborn")
	c.Grace = time.Millisecond
	out, err := Run(ctx, c, nil)
	require.NoError(t, err)
	require.True(t, out.Stopped)
}

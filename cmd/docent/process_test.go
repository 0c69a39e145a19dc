//go:build unix

package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// process is docent as a process of its own, over TCP.
type process struct {
	*exec.Cmd
	t      *testing.T
	out    *bufio.Scanner
	stderr bytes.Buffer
}

func startProcess(t *testing.T, addr, cmdRole string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0], args...), t: t}
	p.Env = append(os.Environ(), roleVar+"=docent", roleVar+"_CMD="+cmdRole, "DOCENT_SERVERS="+addr)
	// In a session of its own it gets no signals of the terminal that runs the
	// tests.
	p.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	p.Stderr = &p.stderr
	stdout, err := p.StdoutPipe()
	require.NoError(t, err)
	// What is ignored here (nohup, a job in a script's background) would be
	// ignored there. A signal that is caught is not inherited.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, forwarded...)
	defer signal.Stop(caught)
	require.NoError(t, p.Start())
	watchdog := time.AfterFunc(patience, func() { _ = p.Process.Kill() })
	t.Cleanup(func() { watchdog.Stop() })
	p.out = bufio.NewScanner(stdout)
	return p
}

func (p *process) line() string {
	p.t.Helper()
	require.True(p.t, p.out.Scan(), "docent has ended")
	return p.out.Text()
}

func (p *process) wait() (code int, rest []string) {
	p.t.Helper()
	for p.out.Scan() {
		rest = append(rest, p.out.Text())
	}
	if err := p.Wait(); err != nil {
		require.IsType(p.t, &exec.ExitError{}, err)
	}
	return p.ProcessState.ExitCode(), rest
}

// listening returns a server that grants short sessions, and its address. A
// busy machine may lose a short session: a test whose session must last asks
// for a long one.
func listening(t *testing.T) (*zktest.Server, string) {
	t.Helper()
	server := zktest.New(t, zktest.Tick(100*ms), zktest.SessionTimeouts(1000*ms, time.Minute))
	addr, err := server.Listen("127.0.0.1:0")
	require.NoError(t, err)
	return server, addr
}

func TestProcess_stoppedForLongerThanItsSession(t *testing.T) {
	server, addr := listening(t)
	await := countCreates(t, server, "/l")
	first := startProcess(t, addr, "signals", words("lock /l --timeout 2s", self()...)...)
	token := tokenOf(t, first.line())
	second := startProcess(t, addr, "signals", words("lock /l --timeout 1m", self()...)...)
	await(2)
	require.NoError(t, first.Process.Signal(syscall.SIGSTOP))
	require.Greater(t, tokenOf(t, second.line()), token)
	require.NoError(t, first.Process.Signal(syscall.SIGCONT))
	code, rest := first.wait()
	require.Equal(t, 79, code)
	require.Contains(t, rest, "terminated")
	require.Contains(t, first.stderr.String(), "the hold was lost while CMD ran")
	require.Contains(t, first.stderr.String(), ": this process stood still for at least ")
	require.NoError(t, second.Process.Signal(syscall.SIGTERM))
	code, _ = second.wait()
	require.Equal(t, 7, code)
}

func TestProcess_killed(t *testing.T) {
	server, addr := listening(t)
	await := countCreates(t, server, "/l")
	first := startProcess(t, addr, "signals", words("lock /l --timeout 2s", self()...)...)
	require.Contains(t, first.line(), "ready")
	second := startProcess(t, addr, "signals", words("lock /l --timeout 1m", self()...)...)
	await(2)
	require.NoError(t, first.Process.Kill())
	require.Contains(t, second.line(), "ready", "the session of the first has run out")
	require.NoError(t, second.Process.Signal(syscall.SIGTERM))
	code, _ := second.wait()
	require.Equal(t, 7, code)
	first.wait()
}

func TestProcess_signals(t *testing.T) {
	_, addr := listening(t)
	p := startProcess(t, addr, "signals", words("lock /l", self()...)...)
	require.Contains(t, p.line(), "ready")
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGTERM} {
		require.NoError(t, p.Process.Signal(sig))
		require.Equal(t, sig.String(), p.line())
	}
	code, rest := p.wait()
	require.Equal(t, 7, code)
	require.Empty(t, rest, "no signal came twice")
}

// A signal that docent was started to ignore is ignored by CMD too.
func TestProcess_nohup(t *testing.T) {
	_, addr := listening(t)
	nohup, err := exec.LookPath("nohup")
	if err != nil {
		t.Skip("there is no nohup here")
	}
	cmd := exec.Command(nohup, append([]string{os.Args[0]}, words("lock /l", self()...)...)...)
	cmd.Env = append(os.Environ(), roleVar+"=docent", roleVar+"_CMD=hup", "DOCENT_SERVERS="+addr)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdout, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, "survived", strings.TrimSpace(string(stdout)))
}

func TestDev(t *testing.T) {
	dev := start(t, words("dev --listen 127.0.0.1:0"))
	addr := strings.TrimPrefix(dev.line(), "listening on ")
	require.Contains(t, dev.stderr.String(), "for development only")
	p := startProcess(t, addr, "exit", words("lock /l", self("5")...)...)
	code, _ := p.wait()
	require.Equal(t, 5, code)

	code, _, stderr := docent(t, words("dev --listen", addr))
	require.Equal(t, 1, code)
	require.Equal(t, "docent: dev: listen on "+addr+": address already in use; another server listens there: use it, end it, "+
		"or choose another port with --listen (0 for a free one)\n", stderr)

	dev.kill(syscall.SIGTERM)
	code, _ = dev.wait()
	require.Zero(t, code)
}

func TestDev_json(t *testing.T) {
	dev := start(t, words("--json dev --listen 127.0.0.1:0"))
	require.Regexp(t, `^\{"listening":"127\.0\.0\.1:\d+"\}$`, dev.line())
	dev.kill(syscall.SIGINT)
	code, _ := dev.wait()
	require.Zero(t, code)
}

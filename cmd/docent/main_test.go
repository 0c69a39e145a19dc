//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/zktest"
)

// roleVar makes the test binary play CMD, or docent itself, instead of running
// tests.
const roleVar = "DOCENT_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVar) {
	case "":
		if tty, err := os.Open("/dev/tty"); err == nil {
			// How signals reach CMD depends on there being a terminal:
			// without one it is the same everywhere.
			tty.Close()
			os.Exit(withoutTerminal())
		}
		goleak.VerifyTestMain(m)
	case "docent":
		if err := os.Setenv(roleVar, os.Getenv(roleVar+"_CMD")); err != nil {
			panic(err)
		}
		main()
	default:
		play(os.Getenv(roleVar))
	}
}

func withoutTerminal() int {
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

// play does what a CMD of the given role does. It does not return.
func play(role string) {
	switch role {
	case "exit": // with the code it is given
		code, err := strconv.Atoi(os.Args[1])
		if err != nil {
			panic(err)
		}
		os.Exit(code)
	case "env": // prints what docent tells it
		fmt.Println(os.Getenv("DOCENT_PATH"), os.Getenv("DOCENT_TOKEN"), os.Getenv("DOCENT_ID"))
	case "environ": // prints all that it gets from docent
		playEnviron()
	case "once": // prints what docent once tells it
		fmt.Println(os.Getenv("DOCENT_PATH"), os.Getenv("DOCENT_TOKEN"), os.Getenv("DOCENT_CALLED"), os.Getenv("DOCENT_SESSIONS"))
	case "sessions": // prints under whose holds it runs
		fmt.Println(os.Getenv("DOCENT_SESSIONS"))
	case "signals": // prints each signal; ends with code 7 at SIGTERM
		signals := make(chan os.Signal, 16)
		signal.Notify(signals)
		fmt.Println("ready", os.Getenv("DOCENT_TOKEN"))
		for sig := range signals {
			switch sig {
			case syscall.SIGURG: // the runtime's own
				continue
			case syscall.SIGCONT: // goes along with a SIGTERM, and may arrive before it
				continue
			}
			fmt.Println(sig)
			if sig == syscall.SIGTERM {
				os.Exit(7)
			}
		}
	case "slow to end": // prints each signal; ends with code 7 at SIGUSR1
		signals := make(chan os.Signal, 16)
		signal.Notify(signals, syscall.SIGTERM, syscall.SIGUSR1)
		fmt.Println("ready")
		for sig := range signals {
			if fmt.Println(sig); sig == syscall.SIGUSR1 {
				os.Exit(7)
			}
		}
	case "vars": // prints what docent exec gives it, and its signals
		signals := make(chan os.Signal, 16)
		signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP)
		empty, set := os.LookupEnv("EMPTY")
		if !set {
			empty = "unset"
		}
		fmt.Println(os.Getenv("DB_HOST"), os.Getenv("DB_MAX_SIZE"), empty, os.Getenv("DOCENT_PATH"))
		for sig := range signals {
			if fmt.Println(sig); sig == syscall.SIGTERM {
				os.Exit(7)
			}
		}
	case "hup": // hangs up on docent and on itself
		for _, pid := range []int{os.Getppid(), os.Getpid()} {
			if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
				panic(err)
			}
		}
		fmt.Println("survived")
	case "stubborn": // does not end by itself
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		fmt.Println("ready", os.Getenv("DOCENT_TOKEN"))
		select {}
	}
	os.Exit(0)
}

// patience is how long anything may take before a test fails.
const patience = 3 * time.Minute

// invocation is one docent, run in this process.
type invocation struct {
	t       *testing.T
	out     *bufio.Scanner
	stderr  *safeBuffer
	signals chan os.Signal
	code    chan int
}

// safeBuffer is a bytes.Buffer for several goroutines.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// setting changes the environment of an invocation.
type setting func(*environment)

func env(entries ...string) setting {
	return func(env *environment) { env.environ = append(env.environ, entries...) }
}
func role(name string) setting { return env(roleVar + "=" + name) }
func stdin(text string) setting {
	return func(env *environment) { env.stdin = strings.NewReader(text) }
}

// on has docent dial the server in memory.
func on(server *zktest.Server) setting {
	return func(env *environment) { env.dial = server.DialContext }
}

// over has docent dial through a link, which can be cut.
func over(link *zktest.Link) setting {
	return func(env *environment) { env.dial = link.DialContext }
}

// barred keeps the creates of a node waiting until admit is called: what comes
// before its return is told only if there is time for it.
func barred(server *zktest.Server, path string) (admit func()) {
	gate := make(chan struct{})
	server.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpCreate && r.Path == path {
			return zktest.Hold(gate)
		}
		return zktest.Pass
	})
	return func() { close(gate) }
}

// start runs docent in the background.
func start(t *testing.T, args []string, settings ...setting) *invocation {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	i := &invocation{
		t: t, out: bufio.NewScanner(r), stderr: &safeBuffer{},
		signals: make(chan os.Signal), code: make(chan int, 1),
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	ended := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		for over := false; !over; { // a test that has failed has left a CMD running
			select {
			case <-ended:
				over = true
			case i.signals <- syscall.SIGTERM:
			}
		}
		r.Close()
	})
	outside := environment{
		args: args, stdin: strings.NewReader(""), stdout: w, stderr: i.stderr, environ: os.Environ(),
		notify: func(...os.Signal) (<-chan os.Signal, func()) { return i.signals, func() {} },
	}
	for _, set := range settings {
		set(&outside)
	}
	go func() {
		defer close(ended)
		code := run(ctx, outside)
		w.Close()
		i.code <- code
	}()
	return i
}

// line returns the next line of output.
func (i *invocation) line() string {
	i.t.Helper()
	require.True(i.t, i.out.Scan(), "docent has ended: %s", i.stderr)
	return i.out.Text()
}

// kill sends docent a signal.
func (i *invocation) kill(sig os.Signal) {
	i.t.Helper()
	select {
	case i.signals <- sig:
	case <-time.After(patience):
		require.Fail(i.t, "no goroutine takes the signal")
	}
}

// stop sends SIGTERM until docent has ended, and returns the exit code. The first
// one may be CMD's.
func (i *invocation) stop() int {
	i.t.Helper()
	late := time.After(patience)
	for {
		select {
		case i.signals <- syscall.SIGTERM:
		case code := <-i.code:
			return code
		case <-late:
			require.Fail(i.t, "docent does not end")
		}
	}
}

// wait returns the exit code, and whatever was printed in the meantime.
func (i *invocation) wait() (code int, rest []string) {
	i.t.Helper()
	for i.out.Scan() {
		rest = append(rest, i.out.Text())
	}
	return <-i.code, rest
}

// docent runs docent to its end.
func docent(t *testing.T, args []string, settings ...setting) (code int, stdout, stderr string) {
	t.Helper()
	var out bytes.Buffer
	i := start(t, args, append(settings, func(env *environment) { env.stdout = &out })...)
	code, _ = i.wait()
	return code, out.String(), i.stderr.String()
}

// self is CMD: this test binary.
func self(args ...string) []string { return append([]string{"--", os.Args[0]}, args...) }

// words splits a command line.
func words(line string, more ...string) []string { return append(strings.Fields(line), more...) }

// only returns the only session of the server.
func only(t *testing.T, server *zktest.Server) int64 {
	t.Helper()
	sessions := server.Sessions()
	require.Len(t, sessions, 1)
	return sessions[0].ID
}

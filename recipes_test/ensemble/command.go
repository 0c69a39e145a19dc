//go:build unix

package ensemble

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// leftoverOutput is how long output is still read after the end of the command:
// a child may still hold its pipes.
const leftoverOutput = 2 * time.Second

// Line is a line of a command's output.
type Line struct {
	Time   time.Time     // time at which its end was read, comparable between commands
	At     time.Duration // the same, since the command started
	Stderr bool          // written to standard error, not to standard output
	Text   string        // without the line break
}

// Cmd is a child process whose output is captured. Its methods may be called
// from any goroutine, the waiting ones included.
type Cmd struct {
	tb      testing.TB
	name    string
	proc    *process
	started time.Time

	mu     sync.Mutex
	lines  []Line
	news   chan struct{} // closed and replaced with every line
	cursor int           // the first line WaitLine has not passed yet
}

// Run starts the docent command (see [BuildDocent]) with args, and with env
// ("KEY=value") added to the environment of the test. The command and its
// children are killed when the test ends. A failed test prints the output.
func Run(tb testing.TB, env []string, args ...string) *Cmd {
	tb.Helper()
	return Exec(tb, env, BuildDocent(tb), args...)
}

// Exec is [Run] for any program: a Java or Python peer, for example.
func Exec(tb testing.TB, env []string, program string, args ...string) *Cmd {
	tb.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = leftoverOutput
	c := &Cmd{tb: tb, name: strings.Join(append([]string{program}, args...), " "), started: time.Now(), news: make(chan struct{})}
	stdout, stderr := &splitter{cmd: c}, &splitter{cmd: c, stderr: true}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	proc, err := start(cmd, func() {
		stdout.flush()
		stderr.flush()
	})
	if err != nil {
		tb.Fatalf("starting %s: %v", c.name, err)
	}
	c.proc = proc
	tb.Cleanup(c.cleanup)
	return c
}

// Pid is the process id.
func (c *Cmd) Pid() int { return c.proc.pid() }

// Signal sends sig to the command alone, not to its children.
func (c *Cmd) Signal(sig os.Signal) {
	c.tb.Helper()
	if err := c.proc.signal(sig); err != nil {
		c.tb.Errorf("sending %v to %s: %v", sig, c.name, err)
	}
}

// Kill sends SIGKILL to the command alone, as in a crash: its children live on
// until the test ends.
func (c *Cmd) Kill() {
	c.tb.Helper()
	c.Signal(syscall.SIGKILL)
}

// Done is closed when the command has ended and its output was read.
func (c *Cmd) Done() <-chan struct{} { return c.proc.done }

// Wait returns the exit code, or 128 plus the signal's number if a signal ended
// the command. It fails the test if the command runs longer than within from
// now.
func (c *Cmd) Wait(within time.Duration) int {
	c.tb.Helper()
	if !c.proc.waitEnd(within) {
		c.tb.Fatalf("still running after %v: %s\n%s", within, c.name, c.transcript())
	}
	return c.proc.code()
}

// Exited returns the exit code, and whether the command has ended at all.
func (c *Cmd) Exited() (code int, ended bool) {
	if !c.proc.ended() {
		return 0, false
	}
	return c.proc.code(), true
}

// Lines returns all lines so far, in the order in which they were read. The
// order is exact within a stream, and nearly exact between the two.
func (c *Cmd) Lines() []Line {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Line(nil), c.lines...)
}

// Stdout returns the lines of standard output so far, each with its line break.
func (c *Cmd) Stdout() string { return c.text(false) }

// Stderr returns the lines of standard error so far, each with its line break.
func (c *Cmd) Stderr() string { return c.text(true) }

func (c *Cmd) text(stderr bool) string {
	var b strings.Builder
	for _, line := range c.Lines() {
		if line.Stderr == stderr {
			b.WriteString(line.Text)
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// WaitLine returns the next line, on either stream, that matches the regular
// expression. It starts after the line that the previous WaitLine returned, so
// that no line is found twice. It fails the test after the given time, or if
// the command ends first.
func (c *Cmd) WaitLine(pattern string, within time.Duration) Line {
	c.tb.Helper()
	re, err := regexp.Compile(pattern)
	if err != nil {
		c.tb.Fatalf("WaitLine: %v", err)
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	for {
		over := c.proc.ended() // read before the search, so that the search includes the last line
		line, news, found := c.nextMatch(re)
		if found {
			return line
		}
		if over {
			c.tb.Fatalf("%s ended with %d and without a line matching %q\n%s", c.name, c.proc.code(), pattern, c.transcript())
		}
		select {
		case <-news:
		case <-c.proc.done:
		case <-timer.C:
			c.tb.Fatalf("%s: no line matching %q within %v\n%s", c.name, pattern, within, c.transcript())
		}
	}
}

func (c *Cmd) nextMatch(re *regexp.Regexp) (line Line, news <-chan struct{}, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := c.cursor; i < len(c.lines); i++ {
		if re.MatchString(c.lines[i].Text) {
			c.cursor = i + 1
			return c.lines[i], nil, true
		}
	}
	return Line{}, c.news, false
}

func (c *Cmd) add(text string, stderr bool) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, Line{Time: now, At: now.Sub(c.started), Stderr: stderr, Text: text})
	close(c.news)
	c.news = make(chan struct{})
}

// transcript returns the whole output with times, for people.
func (c *Cmd) transcript() string {
	var b strings.Builder
	for _, line := range c.Lines() {
		stream := "out"
		if line.Stderr {
			stream = "err"
		}
		fmt.Fprintf(&b, "%8.3fs %s| %s\n", line.At.Seconds(), stream, line.Text)
	}
	return b.String()
}

// cleanup ends the command and the rest of its process group.
func (c *Cmd) cleanup() {
	if err := c.proc.signalGroup(syscall.SIGKILL); err != nil {
		c.tb.Errorf("killing the group of %s: %v", c.name, err)
	}
	if !c.proc.waitEnd(reapWithin) {
		c.tb.Errorf("did not end within %v of SIGKILL: %s", reapWithin, c.name)
		return
	}
	if c.tb.Failed() {
		c.tb.Logf("output of %s:\n%s", c.name, c.transcript())
	}
}

// splitter cuts a stream into lines. os/exec writes to it from one goroutine;
// flush is called after that has ended.
type splitter struct {
	cmd    *Cmd
	stderr bool
	rest   []byte
}

// Write takes the next piece of the stream.
func (s *splitter) Write(p []byte) (int, error) {
	s.rest = append(s.rest, p...)
	for {
		end := bytes.IndexByte(s.rest, '\n')
		if end < 0 {
			return len(p), nil
		}
		s.cmd.add(string(bytes.TrimSuffix(s.rest[:end], []byte("\r"))), s.stderr)
		s.rest = s.rest[end+1:]
	}
}

// flush adds a last line that has no line break.
func (s *splitter) flush() {
	if len(s.rest) > 0 {
		s.cmd.add(string(s.rest), s.stderr)
		s.rest = nil
	}
}

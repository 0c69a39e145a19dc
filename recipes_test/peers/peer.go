//go:build unix

package peers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// startup bounds the time until a peer has a session: it may be a Java program
// on a busy machine.
const startup = time.Minute

// Peer is a process that executes commands. Its methods may be called from any
// goroutine.
type Peer struct {
	*ensemble.Cmd
	*link
	tb     testing.TB
	loaded []string
}

// Loaded returns what the peer has loaded, as "name version path": its library,
// and in Java the jars of ZooKeeper and Curator.
func (p *Peer) Loaded() []string { return append([]string(nil), p.loaded...) }

// AtLeast reports whether the peer has loaded its library in this version or a
// later one: Curator's recipes or kazoo.
func (p *Peer) AtLeast(major, minor int) bool {
	p.tb.Helper()
	for _, text := range p.loaded {
		var name string
		var has [2]int
		if _, err := fmt.Sscanf(text, "%s %d.%d", &name, &has[0], &has[1]); err != nil {
			p.tb.Fatalf("not a name and a version: %q", text)
		}
		if name == "curator-recipes" || name == "kazoo" {
			return has[0] > major || has[0] == major && has[1] >= minor
		}
	}
	p.tb.Fatalf("the peer has loaded neither Curator nor kazoo: %q", p.loaded)
	return false
}

// As returns the same peer for another test, a part of the one that started it.
// Failures then fail that test.
func (p *Peer) As(tb testing.TB) *Peer { return &Peer{p.Cmd, p.link, tb, p.loaded} }

// link is the connection to a peer, with its pending calls.
type link struct {
	conn net.Conn

	mu     sync.Mutex
	next   int
	calls  map[string]*Call
	events map[string]chan string
	gone   error // why no more answers will come
}

// ErrGone is the error of calls when the peer has ended.
var ErrGone = errors.New("the peer is gone")

// launch starts a program with env added to its environment. Its arguments are
// before, the address at which the test listens, servers and timeout. The test
// fails if the program has loaded other versions than the cell's.
func launch(tb testing.TB, cell ensemble.Cell, env []string, program string, before []string, servers string, timeout time.Duration) *Peer {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("listening for a peer: %v", err)
	}
	defer listener.Close()
	args := append(before, listener.Addr().String(), servers, strconv.FormatInt(timeout.Milliseconds(), 10))
	cmd := ensemble.Exec(tb, env, program, args...)
	if err := listener.(*net.TCPListener).SetDeadline(time.Now().Add(startup)); err != nil {
		tb.Fatalf("listening for a peer: %v", err)
	}
	conn, err := listener.Accept()
	if err != nil {
		tb.Fatalf("the peer has not connected: %v\n%s", err, cmd.Stderr())
	}
	l := &link{conn: conn, calls: make(map[string]*Call), events: make(map[string]chan string)}
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, 1<<20)
	hello, err := greeting(conn, lines)
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		l.read(lines)
	}()
	tb.Cleanup(func() {
		conn.Close()
		<-reading
	})
	if err == nil {
		err = check(cell, hello)
	}
	if err != nil {
		tb.Fatalf("%s: %v", program, err)
	}
	return &Peer{cmd, l, tb, hello}
}

// greeting reads the peer's first line: what it has loaded.
func greeting(conn net.Conn, lines *bufio.Scanner) ([]string, error) {
	if err := conn.SetReadDeadline(time.Now().Add(startup)); err != nil {
		return nil, err
	}
	if !lines.Scan() {
		return nil, fmt.Errorf("the peer says nothing: %w", errors.Join(lines.Err(), ErrGone))
	}
	words := strings.Split(lines.Text(), "\t")
	if words[0] != "loaded" || len(words) < 2 {
		return nil, fmt.Errorf("the peer does not say what it has loaded: %q", lines.Text())
	}
	return words[1:], conn.SetReadDeadline(time.Time{})
}

// check compares what a peer has loaded with the cell.
func check(cell ensemble.Cell, loaded []string) error {
	for _, text := range loaded {
		words := strings.SplitN(text, " ", 3)
		if len(words) < 3 {
			return fmt.Errorf("not a name, a version and a path: %q", text)
		}
		if err := cell.Check(words[0], words[1]); err != nil {
			return fmt.Errorf("%w; it was loaded from %s", err, words[2])
		}
	}
	return nil
}

// read processes the peer's messages until the peer is gone.
func (l *link) read(lines *bufio.Scanner) {
	for lines.Scan() {
		words := strings.SplitN(lines.Text(), "\t", 3)
		if len(words) < 3 {
			continue
		}
		if words[0] == "event" {
			l.box(words[1]) <- words[2]
			continue
		}
		l.mu.Lock()
		call := l.calls[words[0]]
		delete(l.calls, words[0])
		l.mu.Unlock()
		if call == nil {
			continue
		}
		if words[1] != "ok" {
			call.err = errors.New(words[2])
		}
		call.value = words[2]
		close(call.done)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = ErrGone
	for number, call := range l.calls {
		call.err = ErrGone
		close(call.done)
		delete(l.calls, number)
	}
}

// Actor returns the peer's thread of that name, which belongs to the test. It
// executes its commands one after the other. A recipe that belongs to a thread
// belongs to an actor.
func (p *Peer) Actor(name string) *Actor { return &Actor{p, p.tb.Name() + " " + name} }

// Actor is a thread of a peer.
type Actor struct {
	peer *Peer
	name string
}

// box returns the events of an actor. It has a large buffer: a test that
// ignores events must not block the peer's answers.
func (l *link) box(actor string) chan string {
	l.mu.Lock()
	defer l.mu.Unlock()
	box := l.events[actor]
	if box == nil {
		box = make(chan string, 100_000)
		l.events[actor] = box
	}
	return box
}

// Events returns the messages that the actor sends without a command.
func (a *Actor) Events() <-chan string { return a.peer.box(a.name) }

// Event waits for the next event, and fails the test after within.
func (a *Actor) Event(within time.Duration) string {
	a.peer.tb.Helper()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case event := <-a.Events():
		return event
	case <-timer.C:
		a.peer.tb.Fatalf("%s told nothing within %v", a.name, within)
		return ""
	}
}

// Call is a pending command.
type Call struct {
	tb    testing.TB
	what  string
	done  chan struct{}
	value string
	err   error
}

// Go sends a command to the actor and does not wait.
func (a *Actor) Go(verb string, args ...any) *Call {
	words := []string{a.name, verb}
	for _, arg := range args {
		words = append(words, fmt.Sprint(arg))
	}
	p := a.peer
	call := &Call{tb: p.tb, what: strings.Join(words, " "), done: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	number := strconv.Itoa(p.next)
	err := p.gone
	if err == nil {
		p.calls[number] = call
		_, err = io.WriteString(p.conn, number+"\t"+strings.Join(words, "\t")+"\n")
	}
	if err != nil {
		delete(p.calls, number)
		call.err = fmt.Errorf("%w: %w", ErrGone, err)
		close(call.done)
	}
	return call
}

// Do sends a command to the actor and returns the result. A failure fails the
// test.
func (a *Actor) Do(verb string, args ...any) string {
	a.peer.tb.Helper()
	return a.Go(verb, args...).Get()
}

// Done is closed when the result has arrived.
func (c *Call) Done() <-chan struct{} { return c.done }

// Pending reports whether the result has not arrived yet.
func (c *Call) Pending() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// Result waits for the result. A call that takes longer than two minutes fails
// the test.
func (c *Call) Result() (string, error) {
	c.tb.Helper()
	timer := time.NewTimer(2 * time.Minute)
	defer timer.Stop()
	select {
	case <-c.done:
	case <-timer.C:
		c.tb.Fatalf("%s: no answer", c.what)
	}
	return c.value, c.err
}

// Get waits for the result, and fails the test if it is a failure.
func (c *Call) Get() string {
	c.tb.Helper()
	value, err := c.Result()
	if err != nil {
		c.tb.Fatalf("%s: %v", c.what, err)
	}
	return value
}

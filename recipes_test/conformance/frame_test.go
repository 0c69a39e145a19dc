package conformance

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// silence is the wait after which a server counts as silent: far longer than an
// answer of either server takes. No case expects silence, so a passing test
// never waits this long.
const silence = 10 * time.Second

// rawClient speaks the protocol frame by frame.
type rawClient struct {
	conn     net.Conn
	norm     *normal
	xid      int32
	session  int64
	password []byte
	tape     *tape
	number   int // of the connection, on the tape
}

// handshake is a client's first frame.
type handshake struct {
	lastZxid int64
	timeout  int32 // milliseconds
	session  int64
	password []byte
	old      bool // a client from before 3.4, which does not say whether it accepts a read-only server
}

func newHandshake() handshake {
	return handshake{timeout: int32(sessionTimeout.Milliseconds()), password: make([]byte, 16)}
}

func (h handshake) frame() body {
	b := body{}.i32(0).i64(h.lastZxid).i32(h.timeout).i64(h.session).bytes(h.password)
	if !h.old {
		b = b.boolean(false)
	}
	return b
}

func dialRaw(s *side, norm *normal) (*rawClient, error) {
	conn, err := s.dial("tcp", s.addr, patience)
	if err != nil {
		return nil, err
	}
	return &rawClient{conn: conn, norm: norm, tape: s.tape, number: s.tape.dialled()}, nil
}

// greet performs the handshake and returns the server's answer as text.
func (c *rawClient) greet(h handshake, name string) string {
	if err := c.write(h.frame()); err != nil {
		return problem(err)
	}
	frame, err := c.read()
	if err != nil {
		c.tape.add(c.number, "end", nil)
		return problem(err)
	}
	return c.welcome(frame, name)
}

// welcome reads the answer to a handshake. A new session gets the given name.
func (c *rawClient) welcome(frame []byte, name string) string {
	c.tape.greeted(frame)
	c.tape.add(c.number, "<", frame)
	r := &reading{rest: frame, norm: c.norm}
	version, timeout := r.i32(), r.i32()
	session := r.i64()
	password, _ := r.bytes()
	if session != 0 {
		if _, known := c.norm.sessions[session]; !known {
			c.norm.sessions[session] = name
		}
	}
	c.session, c.password = session, password
	return fmt.Sprintf("version %d, timeout %d ms, %s, password of %d bytes (zeros: %v), %d bytes more",
		version, timeout, c.norm.session(session), len(password), allZero(password), len(r.rest))
}

func allZero(p []byte) bool {
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}

// call sends a request and returns all frames up to its answer, as text.
func (c *rawClient) call(op int32, request body, shape string) string {
	c.xid++
	xid := c.xid
	if op == opPing {
		xid = xidOfPing
	}
	if err := c.write(append(body{}.i32(xid).i32(op), request...)); err != nil {
		return problem(err)
	}
	return c.until(xid, shape)
}

// openAgain sends a request of the kind createSession, which no client sends.
func (c *rawClient) openAgain(request body) string {
	c.xid++
	if err := c.write(append(body{}.i32(c.xid).i32(opCreateSession), request...)); err != nil {
		return problem(err)
	}
	frame, err := c.read()
	if err != nil {
		return problem(err)
	}
	if len(frame) < 36 {
		return fmt.Sprintf("%x", frame[12:]) // an error
	}
	return c.welcome(frame, "")
}

// until reads frames up to the one that answers the request xid.
func (c *rawClient) until(xid int32, shape string) string {
	var texts []string
	for {
		frame, err := c.read()
		if err != nil {
			c.tape.add(c.number, "end", nil)
			return strings.Join(append(texts, problem(err)), "; ")
		}
		c.tape.add(c.number, "<", frame)
		r := &reading{rest: frame, norm: c.norm}
		got, zxid, code := r.i32(), r.i64(), r.i32()
		if got == xidOfEvent {
			kind, state := r.i32(), r.i32()
			texts = append(texts, fmt.Sprintf("event %d, state %d, %s, zxid %s, error %d", kind, state, r.str(), c.norm.zxid(zxid), code))
			continue
		}
		if code != 0 {
			shape, r.rest = "", nil // clients do not read a body after an error
		}
		texts = append(texts, strings.TrimSpace(fmt.Sprintf("zxid %s, error %d: %s", c.norm.zxid(zxid), code, r.decode(shape))))
		if got != xid {
			texts = append(texts, fmt.Sprintf("ANSWERS %d, NOT %d", got, xid))
		}
		return strings.Join(texts, "; ")
	}
}

func (c *rawClient) write(frame body) error {
	c.tape.add(c.number, ">", frame)
	_, err := c.conn.Write(append(body{}.i32(int32(len(frame))), frame...))
	return err
}

func (c *rawClient) read() ([]byte, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return nil, err
	}
	var head [4]byte
	if _, err := io.ReadFull(c.conn, head[:]); err != nil {
		return nil, err
	}
	frame := make([]byte, binary.BigEndian.Uint32(head[:]))
	_, err := io.ReadFull(c.conn, frame)
	return frame, err
}

// problem describes a broken conversation in the same words on both sides.
// Unread data decides whether a closed connection shows as an end or as a
// reset.
func problem(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "NO ANSWER"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "HUNG UP"
	default:
		return "PROBLEM " + err.Error()
	}
}

// hangUp closes the connection, and its session if it has one.
func (c *rawClient) hangUp() {
	if c.session != 0 {
		c.call(opCloseSession, nil, "")
	}
	_ = c.conn.Close() // the server or the case may have closed it
}

// frameCase is a conversation: it sends to one side and notes every answer.
type frameCase struct {
	name string
	talk func(*talk)
}

// talk is a conversation with one side.
type talk struct {
	side    *side
	norm    *normal
	clients map[string]*rawClient
	notes   []string
	dir     string // a directory of the case's own, the same on both sides
}

func (k *talk) note(what, answer string) { k.notes = append(k.notes, what+" → "+answer) }

// client returns the session of that name, and opens it on first use.
func (k *talk) client(name string) *rawClient {
	if c, ok := k.clients[name]; ok {
		return c
	}
	c, err := dialRaw(k.side, k.norm)
	if err != nil {
		k.note(name, problem(err))
		return &rawClient{conn: brokenConn{}, norm: k.norm}
	}
	c.greet(newHandshake(), name)
	k.clients[name] = c
	return c
}

// brokenConn replaces a connection that could not be made.
type brokenConn struct{ net.Conn }

func (brokenConn) Write([]byte) (int, error)       { return 0, io.ErrUnexpectedEOF }
func (brokenConn) Read([]byte) (int, error)        { return 0, io.EOF }
func (brokenConn) Close() error                    { return nil }
func (brokenConn) SetReadDeadline(time.Time) error { return nil }

// ask sends a request in the session "one" and notes the answer.
func (k *talk) ask(what string, op int32, request body, shape string) {
	k.askAs("one", what, op, request, shape)
}

func (k *talk) askAs(who, what string, op int32, request body, shape string) {
	k.note(who+": "+what, k.client(who).call(op, request, shape))
}

// hostile sends a malformed request in a session of its own, and a ping after it.
// A server that does not know the kind of request closes the connection. Whether
// it answers the ping before that is chance, so no ping follows such an answer.
func (k *talk) hostile(what string, op int32, request body, shape string) {
	answer := k.client("one").call(op, request, shape)
	k.note("one: "+what, answer)
	if !strings.HasPrefix(answer, "zxid -1, error -6:") {
		k.ask("still here", opPing, nil, "")
	}
	k.fresh()
}

// fresh forgets the session "one" after a request that has ended its
// connection. The next request opens another session.
func (k *talk) fresh() { k.renew("one") }

// renew does the same for any session.
func (k *talk) renew(who string) {
	if c, ok := k.clients[who]; ok {
		_ = c.conn.Close() // usually the server has closed it already
		delete(k.clients, who)
	}
}

// hold runs a case on one side and returns its notes.
func hold(t *testing.T, c frameCase, s *side, dir string) []string {
	t.Helper()
	k := &talk{side: s, norm: &normal{sessions: map[int64]string{0: "nobody"}}, clients: map[string]*rawClient{}, dir: dir}
	answer := k.client("one").call(opCreate, createBody(dir, createPersistent), "s")
	require.Contains(t, answer, dir, "%s does not serve", s.name)
	k.norm.base = lastZxid(k.client("one"))
	c.talk(k)
	for _, client := range k.clients {
		client.hangUp()
	}
	return k.notes
}

// lastZxid asks for the server's present zxid, which every reply carries.
func lastZxid(c *rawClient) int64 {
	c.xid++
	if err := c.write(body{}.i32(c.xid).i32(opExists).str("/").boolean(false)); err != nil {
		return 0
	}
	frame, err := c.read()
	if err != nil || len(frame) < 12 {
		return 0
	}
	c.tape.add(c.number, "<", frame)
	return int64(binary.BigEndian.Uint64(frame[4:]))
}

func compareFrames(t *testing.T, reference, embedded *side) {
	cases := allFrameCases()
	run := time.Now().UnixNano()
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := fmt.Sprintf("/frames-%d-%d", run, i)
			want, got := hold(t, c, reference, dir), hold(t, c, embedded, dir)
			if testing.Verbose() {
				t.Log("\n" + strings.Join(want, "\n"))
			}
			require.Equal(t, len(want), len(got))
			for i := range want {
				if want[i] != got[i] {
					t.Errorf("\n%9s: %s\n%9s: %s", reference.name, want[i], embedded.name, got[i])
				}
			}
		})
	}
}

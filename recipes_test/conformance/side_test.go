package conformance

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/zktest"
)

// patience bounds every wait for something that a correct server does at once.
const patience = 20 * time.Second

// side is one of the two servers that are compared.
type side struct {
	name string
	addr string
	dial zk.Dialer

	release zktest.Release // of a real server
	tape    *tape          // records its frames, if not nil
}

func dialTCP(network, addr string, timeout time.Duration) (net.Conn, error) {
	return net.DialTimeout(network, addr, timeout)
}

// client is a session of the ordinary client on one side. A test can close its
// connection and let it reconnect.
type client struct {
	side *side
	conn *zk.Conn

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever a field below changes
	events  []zk.Event    // watch events in the order of arrival
	ready   bool          // the session is connected
	link    *tap          // the present connection
	away    bool          // dials wait
	closing bool
}

// open connects a new session and makes it watch pin, a node that never
// changes. With a watch to set again, each later connection of the client shows
// that the session is back.
func open(s *side, pin string) (*client, error) {
	c := &client{side: s, changed: make(chan struct{})}
	conn, _, err := zk.Connect([]string{s.addr}, sessionTimeout,
		zk.WithHostProvider(&oneHost{client: c, addr: s.addr}), zk.WithDialer(c.dial),
		zk.WithEventCallback(c.event), zk.WithLogger(silent{}), zk.WithLogInfo(false))
	if err != nil {
		return nil, err
	}
	c.conn = conn
	if !c.await(func() bool { return c.ready }) {
		c.shut()
		return nil, fmt.Errorf("%s: no session within %v", s.name, patience)
	}
	if _, _, _, err := conn.ExistsW(pin); err != nil {
		c.shut()
		return nil, fmt.Errorf("%s: watching %s: %w", s.name, pin, err)
	}
	return c, nil
}

// shut closes the session and waits for the client's goroutines to notice.
func (c *client) shut() {
	c.update(func() { c.closing, c.away = true, false })
	c.conn.Close()
}

// lose closes the client's connection and blocks dials until find.
func (c *client) lose() error {
	c.mu.Lock()
	link := c.link
	c.away = true
	c.mu.Unlock()
	if err := link.Close(); err != nil {
		return err
	}
	if !c.await(func() bool { return !c.ready }) {
		return fmt.Errorf("%s: the client does not notice a closed connection", c.side.name)
	}
	return nil
}

// find lets the client dial again. It waits until the session is connected and
// its watches are set again. The client must have a watch: the answer to
// SetWatches is awaited.
func (c *client) find() error {
	c.update(func() { c.away = false })
	if !c.await(func() bool { return c.ready && c.link.watchesSet() }) {
		return fmt.Errorf("%s: the session does not come back", c.side.name)
	}
	return nil
}

// takeEvents returns the watch events since the last call.
func (c *client) takeEvents() []zk.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	events := c.events
	c.events = nil
	return events
}

func (c *client) event(ev zk.Event) {
	c.update(func() {
		if ev.Type == zk.EventSession {
			c.ready = ev.State == zk.StateHasSession
		} else {
			c.events = append(c.events, ev)
		}
	})
}

func (c *client) dial(network, addr string, timeout time.Duration) (net.Conn, error) {
	c.await(func() bool { return !c.away })
	conn, err := c.side.dial(network, addr, timeout)
	if err != nil {
		return nil, err
	}
	link := &tap{Conn: conn, heard: func() { c.update(func() {}) }}
	c.update(func() { c.link = link })
	return link, nil
}

func (c *client) update(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}

// await waits until cond, called with the lock held, returns true. It returns
// false after patience.
func (c *client) await(cond func() bool) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		c.mu.Lock()
		ok, changed := cond(), c.changed
		c.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		}
	}
}

// oneHost is a HostProvider without the default provider's pause of a second
// between rounds.
type oneHost struct {
	client *client
	addr   string
}

func (h *oneHost) Init([]string) error { return nil }
func (h *oneHost) Len() int            { return 1 }
func (h *oneHost) Connected()          {}
func (h *oneHost) Next() (string, bool) {
	h.client.mu.Lock()
	defer h.client.mu.Unlock()
	return h.addr, h.client.closing // in the pause the client checks whether it was closed
}

type silent struct{}

func (silent) Printf(string, ...any) {}

// tap is a connection that knows whether its SetWatches request was answered.
type tap struct {
	net.Conn
	heard func()

	mu      sync.Mutex
	xid     int32 // of the setWatches request
	asked   bool
	done    bool
	pending []byte // the start of an incoming frame, up to its xid
	skip    int    // bytes of the present frame still to come
	first   bool   // the handshake's answer has passed
}

const opSetWatches = 101

func (t *tap) watchesSet() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.done
}

// Write parses the header of each frame. The client writes one frame at a time.
func (t *tap) Write(p []byte) (int, error) {
	if len(p) >= 12 && int32(binary.BigEndian.Uint32(p[8:])) == opSetWatches {
		t.mu.Lock()
		t.xid, t.asked = int32(binary.BigEndian.Uint32(p[4:])), true
		t.mu.Unlock()
	}
	return t.Conn.Write(p)
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	if t.scan(p[:n]) {
		t.heard()
	}
	return n, err
}

// scan follows the incoming frames. It reports whether the answer to SetWatches
// has just begun to arrive. All events before that answer came earlier on the
// same connection, so the client has them already.
func (t *tap) scan(p []byte) (found bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(p) > 0 {
		if t.skip > 0 {
			n := min(t.skip, len(p))
			t.skip -= n
			p = p[n:]
			continue
		}
		n := min(8-len(t.pending), len(p))
		t.pending = append(t.pending, p[:n]...)
		p = p[n:]
		if len(t.pending) < 8 {
			break
		}
		length := int(binary.BigEndian.Uint32(t.pending))
		xid := int32(binary.BigEndian.Uint32(t.pending[4:]))
		t.pending, t.skip = t.pending[:0], length-4
		if t.first && t.asked && xid == t.xid {
			t.done, found = true, true
		}
		t.first = true
	}
	return found
}

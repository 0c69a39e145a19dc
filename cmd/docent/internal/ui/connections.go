package ui

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
)

// sockBuffer bounds what the system keeps for a viewer that does not read.
const sockBuffer = 64 << 10

// connections bounds the connections of a listener. A connection is a
// stranger's until a request on it has a token. If there are too many, the
// oldest stranger's is closed: a client that keeps its connections open cannot
// shut out the viewers that come later.
type connections struct {
	net.Listener
	limits limits

	mu        sync.Mutex
	strangers *list.List // of *connection, the oldest first
	admitted  int
}

func newConnections(listener net.Listener, limits limits) *connections {
	return &connections{Listener: listener, limits: limits, strangers: list.New()}
}

// Accept waits for the next connection.
func (l *connections) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		// A failure shows at the first use of the connection.
		_ = tcp.SetWriteBuffer(sockBuffer)
		_ = tcp.SetReadBuffer(sockBuffer)
	}
	c := &connection{Conn: conn, owner: l}
	if oldest := l.add(c); oldest != nil {
		_ = oldest.Close()
	}
	return c, nil
}

// add counts a new connection in, and returns the one to close.
func (l *connections) add(c *connection) (oldest *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.place = l.strangers.PushBack(c)
	if l.strangers.Len() > l.limits.strangers {
		oldest = l.strangers.Front().Value.(*connection)
	}
	return oldest
}

// closeStrangers closes the connections without a token. The end of the server
// would wait for their requests.
func (l *connections) closeStrangers() {
	l.mu.Lock()
	var all []*connection
	for at := l.strangers.Front(); at != nil; at = at.Next() {
		all = append(all, at.Value.(*connection))
	}
	l.mu.Unlock()
	for _, c := range all {
		_ = c.Close() // nothing was asked for that could fail
	}
}

// connection is one that is counted until it is closed.
type connection struct {
	net.Conn
	owner *connections

	// Guarded by owner.mu.
	place    *list.Element // among the strangers, or nil
	admitted bool
}

// admit reports whether there is room for the connection among those with a
// token.
func (c *connection) admit() bool {
	c.owner.mu.Lock()
	defer c.owner.mu.Unlock()
	if c.place == nil {
		return c.admitted // or it was closed
	}
	if c.owner.admitted >= c.owner.limits.connections {
		return false
	}
	c.owner.admitted++
	c.admitted = true
	c.owner.strangers.Remove(c.place)
	c.place = nil
	return true
}

// Close counts the connection out.
func (c *connection) Close() error {
	c.owner.mu.Lock()
	if c.place != nil {
		c.owner.strangers.Remove(c.place)
		c.place = nil
	}
	if c.admitted {
		c.owner.admitted--
		c.admitted = false
	}
	c.owner.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite lets net/http end an answer so that the client reads all of it.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// connectionKey is the key of a request's *connection in its context.
type connectionKey struct{}

func rememberConnection(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

// admitConnection counts the connection of a request among those with a token.
// It reports whether there is room.
func admitConnection(r *http.Request) bool {
	c, ok := r.Context().Value(connectionKey{}).(*connection)
	return !ok || c.admit()
}

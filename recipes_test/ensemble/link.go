package ensemble

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// heldChunks bounds the memory of one direction of a link. Beyond it, TCP
// blocks the sender.
const heldChunks = 256

// link is one connection through a proxy: the client's side and, once it is
// made, our connection to the server.
type link struct {
	proxy  *Proxy
	client net.Conn
	done   chan struct{} // closed by drop

	mu      sync.Mutex
	dropped bool
	server  net.Conn
}

func newLink(p *Proxy, client net.Conn) *link {
	return &link{proxy: p, client: client, done: make(chan struct{})}
}

// run copies the link's bytes until both sides have ended or the link is
// dropped.
func (l *link) run() {
	defer l.drop()
	// A handshake needs both directions: a link made during a cut waits at both
	// gates.
	if !l.proxy.toServer.pass(l.done) || !l.proxy.toClient.pass(l.done) {
		return
	}
	server, err := l.dial()
	if err != nil {
		return // no server listens: dropping the client's side tells the client
	}
	if !l.join(server) {
		return
	}
	var both sync.WaitGroup
	toServer, toClient := l.proxy.toServer, l.proxy.toClient
	both.Go(func() { l.carry(server, l.client, toServer, toClient) })
	both.Go(func() { l.carry(l.client, server, toClient, toServer) })
	both.Wait()
}

// dial connects to the server. It tries again for the proxy's patience.
func (l *link) dial() (net.Conn, error) {
	end := time.Now().Add(l.proxy.currentPatience())
	for {
		server, err := net.DialTimeout("tcp", l.proxy.target, time.Second)
		if err == nil || !time.Now().Before(end) || !l.waitUntil(time.Now().Add(pollEvery)) {
			return server, err
		}
	}
}

// join adds the server's side. If the link was dropped meanwhile, it closes the
// connection and returns false.
func (l *link) join(server net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dropped {
		reset(server)
		return false
	}
	l.server = server
	return true
}

// drop closes both sides at once. It may be called more than once.
func (l *link) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dropped {
		return
	}
	l.dropped = true
	close(l.done)
	reset(l.client)
	if l.server != nil {
		reset(l.server)
	}
}

// reset closes a connection without waiting for unsent data. An error means
// that it is closed already.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// chunk is a piece of the stream, and the time from which it may be delivered.
// Empty data means that the sender has finished.
type chunk struct {
	data   []byte
	due    time.Time
	broken bool // the sender has reset the connection, as the system does for a process that was killed
}

// carry moves bytes from src to dst through the gate, in order. Each byte is
// delayed by the delay at the time it was read. A reset by dst's system passes
// the gate of the other direction.
func (l *link) carry(dst, src net.Conn, there, back *gate) {
	chunks := make(chan chunk, heldChunks)
	var reader sync.WaitGroup
	reader.Go(func() { l.read(src, chunks) })
	l.deliver(dst, chunks, there, back)
	reader.Wait()
}

func (l *link) read(src net.Conn, chunks chan<- chunk) {
	defer close(chunks)
	buf := make([]byte, 32<<10)
	var change func(chunk []byte) []byte
	if src == l.client {
		change = l.proxy.currentFirst()
	}
	for {
		n, err := src.Read(buf)
		due := time.Now().Add(l.proxy.currentDelay())
		data := append([]byte(nil), buf[:n]...)
		if n > 0 && change != nil {
			data, change = change(data), nil
		}
		if n > 0 && !l.send(chunks, chunk{data: data, due: due}) {
			return
		}
		if err == nil {
			continue
		}
		// An end or a reset passes the gate like the bytes before it.
		l.send(chunks, chunk{due: due, broken: !errors.Is(err, io.EOF)})
		return
	}
}

func (l *link) send(chunks chan<- chunk, c chunk) bool {
	select {
	case chunks <- c:
		return true
	case <-l.done:
		return false
	}
}

func (l *link) deliver(dst net.Conn, chunks <-chan chunk, there, back *gate) {
	for c := range chunks {
		if !l.waitUntil(c.due) || !there.pass(l.done) || c.broken {
			l.drop()
			return
		}
		if len(c.data) == 0 {
			if tcp, ok := dst.(*net.TCPConn); !ok || tcp.CloseWrite() != nil {
				l.drop()
			}
			return
		}
		if _, err := dst.Write(c.data); err != nil {
			back.pass(l.done) // the receiver is gone: its system tells the sender
			l.drop()
			return
		}
	}
}

// waitUntil waits until due. It returns false if the link is dropped first.
func (l *link) waitUntil(due time.Time) bool {
	wait := time.Until(due)
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.done:
		return false
	}
}

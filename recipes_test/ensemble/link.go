package ensemble

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// heldChunks bounds what one direction of a link keeps in memory; behind it TCP pushes back on the sender.
const heldChunks = 256

// link is one connection through a proxy: the client's and, once it could be made, ours to the server.
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

// run carries the link's bytes until both sides have ended or the link is dropped.
func (l *link) run() {
	defer l.drop()
	// A handshake needs both directions: a link made during a cut waits in front of both gates.
	if !l.proxy.toServer.pass(l.done) || !l.proxy.toClient.pass(l.done) {
		return
	}
	server, err := l.dial()
	if err != nil {
		return // nobody listens behind the proxy: dropping the client tells it so
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

// dial connects to the server, and tries again for as long as the proxy has patience.
func (l *link) dial() (net.Conn, error) {
	end := time.Now().Add(l.proxy.currentPatience())
	for {
		server, err := net.DialTimeout("tcp", l.proxy.target, time.Second)
		if err == nil || !time.Now().Before(end) || !l.waitUntil(time.Now().Add(pollEvery)) {
			return server, err
		}
	}
}

// join adds the server's side; false, with the connection closed, if the link was dropped meanwhile.
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

// reset closes a connection without waiting for what is unsent. Errors mean that it is gone already.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// chunk is a piece of the stream and the moment from which it may be delivered; empty data means that the sender is done.
type chunk struct {
	data   []byte
	due    time.Time
	broken bool // the sender has reset the connection, as the system does for a process that was killed
}

// carry moves bytes from src to dst through the gate, in order, each after the delay that was set when it was read. What dst's
// system answers to them, a reset, passes the gate of the way back.
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
		// The end, or a reset, passes the gate like every byte before it.
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
			back.pass(l.done) // the receiver is gone, and the sender learns it from the receiver's system
			l.drop()
			return
		}
	}
}

// waitUntil waits for a moment; false when the link is dropped first.
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

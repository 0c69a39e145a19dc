package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// relay forwards between clients and a server, and counts the requests.
type relay struct {
	target   string
	listener net.Listener
	requests atomic.Int64
	work     sync.WaitGroup
	mu       sync.Mutex
	closed   bool
	open     map[net.Conn]bool
}

func startRelay(target string) (*relay, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{target: target, listener: listener, open: map[net.Conn]bool{}}
	r.work.Go(r.serve)
	return r, nil
}

func (r *relay) addr() string { return r.listener.Addr().String() }

// close ends the relay with all its connections.
func (r *relay) close() {
	_ = r.listener.Close() // nothing else has to be closed
	r.mu.Lock()
	r.closed = true
	for conn := range r.open {
		_ = conn.Close()
	}
	r.mu.Unlock()
	r.work.Wait()
}

// keep registers the connection for close. It reports false if the relay is
// closed already.
func (r *relay) keep(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.open[conn] = true
	}
	return !r.closed
}

func (r *relay) end(conn net.Conn) {
	_ = conn.Close() // the other side may have done so
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, conn)
}

func (r *relay) serve() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.work.Go(func() { r.pass(client) })
	}
}

// pass relays one connection until either side ends it.
func (r *relay) pass(client net.Conn) {
	defer r.end(client)
	server, err := net.Dial("tcp", r.target)
	if err != nil {
		return
	}
	defer r.end(server)
	if !r.keep(client) || !r.keep(server) {
		return
	}
	r.work.Go(func() {
		_, _ = io.Copy(client, server) // ends with either connection
		r.end(client)
	})
	_ = passRequests(server, client, func(op int32) { // ends with either connection
		if !keepsSession(op) {
			r.requests.Add(1)
		}
	})
}

// keepsSession reports whether a request belongs to the session itself: pings,
// credentials, watches that are set again, the end. All other requests come
// from the program.
func keepsSession(op int32) bool {
	const closeSession, ping, auth, setWatches, sasl, setWatches2 = -11, 11, 100, 101, 102, 105
	switch op {
	case closeSession, ping, auth, setWatches, sasl, setWatches2:
		return true
	}
	return false
}

// passRequests copies the frames of a client. It calls seen with the kind of
// each frame but the first, the hello. A frame consists of its length, its xid,
// its kind, and the rest.
func passRequests(to io.Writer, from io.Reader, seen func(op int32)) error {
	const length, head = 4, 12
	in, out := bufio.NewReaderSize(from, 64<<10), bufio.NewWriterSize(to, 64<<10)
	for hello := true; ; hello = false {
		start, err := in.Peek(head)
		if errors.Is(err, io.EOF) && len(start) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		if !hello {
			seen(int32(binary.BigEndian.Uint32(start[8:])))
		}
		size := int64(binary.BigEndian.Uint32(start)) + length
		if _, err := io.CopyN(out, in, size); err != nil {
			return err
		}
		if in.Buffered() < head {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}

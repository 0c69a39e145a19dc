package zktest

import (
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"
)

// memAddr is the address of one end of an in-memory connection.
type memAddr string

func (memAddr) Network() string  { return "zktest" }
func (a memAddr) String() string { return string(a) }

// packet is the data of one Write, and the time from which it may be read. An
// end of stream is a packet too: a partition holds it back like data.
type packet struct {
	data []byte
	due  time.Time
	end  bool
}

// maxBuffered is the size from which a half takes no more data until its reader
// has read some, as a socket does whose buffers are full.
const maxBuffered = 4 << 20

// half is one direction of an in-memory connection: a buffer with latency. It
// waits on a condition variable and on timers only, so that a reader or a writer
// is durably blocked in a synctest bubble.
type half struct {
	mu       sync.Mutex
	cond     *sync.Cond
	packets  []packet
	buffered int           // bytes in packets
	held     bool          // a partition: nothing arrives
	delay    time.Duration // the latency of later writes
	jitter   func() time.Duration
	last     time.Time // due time of the newest packet: latency never reorders
	ended    bool      // the writer closed its end
	dropped  bool      // the reader closed its end
	reset    bool      // the connection was cut off: both ends know at once
	deadline time.Time
	timer    *time.Timer // wakes the reader at its deadline
	arrival  *time.Timer // wakes the reader when the first packet is due

	writeDeadline time.Time
}

func newHalf() *half {
	h := &half{}
	h.cond = sync.NewCond(&h.mu)
	return h
}

func (h *half) wake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cond.Broadcast()
}

func (h *half) read(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		now := time.Now()
		switch {
		case h.dropped:
			return 0, net.ErrClosed
		case !h.deadline.IsZero() && !now.Before(h.deadline):
			return 0, os.ErrDeadlineExceeded
		case h.reset:
			return 0, io.EOF
		case len(b) == 0:
			return 0, nil
		}
		if len(h.packets) > 0 && !h.held {
			p := &h.packets[0]
			wait := p.due.Sub(now)
			switch {
			case p.due.IsZero() || wait <= 0:
				if p.end {
					return 0, io.EOF
				}
				n := copy(b, p.data)
				if p.data = p.data[n:]; len(p.data) == 0 {
					h.packets = h.packets[1:]
				}
				h.buffered -= n
				h.cond.Broadcast() // a writer may wait for room
				return n, nil
			case h.arrival == nil:
				h.arrival = time.AfterFunc(wait, h.wake)
			default:
				h.arrival.Reset(wait)
			}
		}
		h.cond.Wait()
	}
}

// write takes all of b at once, and waits while the buffer is full. It fails if
// its deadline passes, if the writer has closed its end, or if the writer can
// know that the reader has.
func (h *half) write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		if d := h.writeDeadline; !d.IsZero() && !time.Now().Before(d) {
			return 0, os.ErrDeadlineExceeded
		}
		if h.buffered <= maxBuffered || h.ended || h.reset || h.dropped {
			break
		}
		h.awaitRoom()
	}
	if h.ended {
		return 0, net.ErrClosed
	}
	if h.reset || h.dropped && !h.held {
		return 0, io.ErrClosedPipe
	}
	if !h.dropped && len(b) > 0 {
		h.push(packet{data: append([]byte(nil), b...)})
	}
	return len(b), nil
}

// awaitRoom waits for anything that may let a writer go on: a read, an end, or
// the write deadline. The caller holds mu.
func (h *half) awaitRoom() {
	if d := h.writeDeadline; !d.IsZero() {
		defer time.AfterFunc(time.Until(d), h.wake).Stop()
	}
	h.cond.Wait()
}

func (h *half) push(p packet) {
	if h.jitter != nil {
		p.due = time.Now().Add(h.delay + h.jitter())
		if !p.due.After(h.last) {
			p.due = h.last.Add(1)
		}
		h.last = p.due
	} else if h.delay > 0 || !h.last.IsZero() {
		p.due = time.Now().Add(h.delay)
		if p.due.Before(h.last) {
			p.due = h.last
		}
		h.last = p.due
	}
	h.packets = append(h.packets, p)
	h.buffered += len(p.data)
	h.cond.Broadcast()
}

// end closes the writer's side: the reader sees the end of the stream after all data.
func (h *half) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ended {
		h.ended = true
		h.push(packet{end: true})
	}
}

// drop closes the reader's side.
func (h *half) drop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dropped = true
	h.packets, h.buffered = nil, 0
	h.stopTimers()
	h.cond.Broadcast()
}

func (h *half) cutOff() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reset = true
	h.packets, h.buffered = nil, 0
	h.stopTimers()
	h.cond.Broadcast()
}

func (h *half) stopTimers() {
	if h.timer != nil {
		h.timer.Stop()
	}
	if h.arrival != nil {
		h.arrival.Stop()
	}
}

func (h *half) setWriteDeadline(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.writeDeadline = t
	h.cond.Broadcast()
}

func (h *half) setDeadline(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deadline = t
	switch {
	case t.IsZero() || h.dropped || h.reset:
		if h.timer != nil {
			h.timer.Stop()
		}
	case h.timer == nil:
		h.timer = time.AfterFunc(time.Until(t), h.wake)
	default:
		h.timer.Reset(time.Until(t))
	}
	h.cond.Broadcast()
}

// shake gives every packet its own random latency of up to max.
func (h *half) shake(max time.Duration, seed, stream uint64) {
	source := rand.New(rand.NewPCG(seed, stream))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.jitter = func() time.Duration { return time.Duration(source.Int64N(int64(max)) + 1) }
}

func (h *half) setPath(held bool, delay time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held, h.delay = held, delay
	h.cond.Broadcast()
}

// pipeConn is one end of an in-memory connection.
type pipeConn struct {
	in, out       *half
	local, remote memAddr
	closed        func() // called once, when this end closes
	once          sync.Once
}

func (p *pipeConn) Read(b []byte) (int, error) { return p.in.read(b) }

func (p *pipeConn) Write(b []byte) (int, error) { return p.out.write(b) }

func (p *pipeConn) Close() error {
	p.once.Do(func() {
		p.in.drop()
		p.out.end()
		p.closed()
	})
	return nil
}

func (p *pipeConn) LocalAddr() net.Addr  { return p.local }
func (p *pipeConn) RemoteAddr() net.Addr { return p.remote }

func (p *pipeConn) SetDeadline(t time.Time) error {
	p.in.setDeadline(t)
	return p.SetWriteDeadline(t)
}

func (p *pipeConn) SetReadDeadline(t time.Time) error {
	p.in.setDeadline(t)
	return nil
}

func (p *pipeConn) SetWriteDeadline(t time.Time) error {
	p.out.setWriteDeadline(t)
	return nil
}

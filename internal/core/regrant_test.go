package core_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// unequal is a network to servers with different greatest timeouts.
type unequal struct {
	link *zktest.Link

	mu    sync.Mutex
	most  time.Duration   // which the next server grants
	lose  bool            // the answer to the next hello is lost
	asked []time.Duration // by each hello
	hello time.Time       // when the newest was written
}

// next sets the timeout that the next server grants, and whether its answer is
// lost.
func (u *unequal) next(most time.Duration, lose bool) {
	u.mu.Lock()
	u.most, u.lose = most, lose
	u.mu.Unlock()
	u.link.Disconnect()
}

// take notes a hello, and returns which timeout it gets.
func (u *unequal) take(asked time.Duration) time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.asked, u.hello = append(u.asked, asked), time.Now()
	if u.lose {
		u.link.Cut(zktest.ToClient)
	}
	return min(asked, u.most)
}

func (u *unequal) hellos() (asked []time.Duration, newest time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.asked, u.hello
}

func (u *unequal) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := u.link.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &limited{Conn: c, u: u}, nil
}

// limited is a connection to the server that is next.
type limited struct {
	net.Conn
	u       *unequal
	greeted bool
}

// A hello is its length, the version, the last zxid, the timeout and more.
const timeoutAt = 4 + 4 + 8

func (c *limited) Write(frame []byte) (int, error) {
	if c.greeted {
		return c.Conn.Write(frame)
	}
	c.greeted = true
	capped := slices.Clone(frame)
	field := capped[timeoutAt:]
	granted := c.u.take(time.Duration(binary.BigEndian.Uint32(field)) * time.Millisecond)
	binary.BigEndian.PutUint32(field, uint32(granted.Milliseconds()))
	return c.Conn.Write(capped)
}

// unequally starts a process that requests a timeout from unequal servers.
func (w *world) unequally(timeout time.Duration) (*process, *unequal) {
	w.Helper()
	u := &unequal{link: w.Srv.Link(), most: timeout}
	return w.process(func(cfg *core.Config) { cfg.Timeout, cfg.Dialer = timeout, u.dial }), u
}

// A session requests its present timeout from each server. So the servers never
// use a longer timeout than the last granted one. They use a shorter one only
// if a server's greatest timeout is lower.
func TestHelloAsksForWhatWasGranted(t *testing.T) {
	inWorld(t, func(w *world) {
		p, u := w.unequally(36 * time.Second)
		s := p.session()
		reconnect := func(most time.Duration) {
			u.next(most, false)
			time.Sleep(5 * time.Second)
			require.NoError(w, s.Err())
			require.Equal(w, s.Timeout(), w.Srv.Sessions()[0].Timeout)
		}
		reconnect(12 * time.Second)
		require.Equal(w, 12*time.Second, s.Timeout())
		reconnect(36 * time.Second)
		require.Equal(w, 12*time.Second, s.Timeout(), "it is never lengthened again")
		asked, _ := u.hellos()
		require.Equal(w, []time.Duration{36 * time.Second, 36 * time.Second, 12 * time.Second}, asked)

		// The next session may request more.
		w.Srv.Expire(s.ID())
		require.Equal(w, 36*time.Second, p.next(s).Timeout())
	})
}

// A server grants less on a re-attachment, and the client never learns it. A
// hold ends before its node is removed, provided that the new timeout is longer
// than the window of the old one, which is 7/12 of the old timeout.
func TestTrustWhenTheShorterGrantIsLost(t *testing.T) {
	for after := range 12 {
		t.Run(fmt.Sprintf("%d s after the proof", after), func(t *testing.T) {
			inWorld(t, func(w *world) {
				p, u := w.unequally(36 * time.Second)
				h := p.enter("/locks/a")
				time.Sleep(time.Duration(after) * time.Second)
				u.next(22*time.Second, true)
				<-h.Done()
				ended := time.Now()
				require.ErrorIs(w, h.Err(), core.ErrTrustElapsed)
				gone := w.deletedAt(h.Path())
				_, hello := u.hellos()
				require.Equal(w, 22*time.Second, gone.Sub(hello), "the server counts by the timeout that it granted")
				require.True(w, ended.Before(gone))
			})
		})
	}
}

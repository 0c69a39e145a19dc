package ui

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// pipes is a listener whose connections keep nothing: a write to a client that
// does not read waits.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

// bubble is the page in virtual time.
type bubble struct {
	*testing.T
	zk     *zktest.Server
	sm     *session.Manager
	server *Server
	pipes  *pipes
	log    *safeBuffer
	end    func() // of the server
}

// inBubble runs a test against a page with the given limits.
func inBubble(t *testing.T, change func(*limits), f func(b *bubble)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{T: t, zk: zktest.New(t), pipes: &pipes{make(chan net.Conn), make(chan struct{})}, log: new(safeBuffer)}
		var err error
		b.sm, err = session.Dial(t.Context(), session.Config{Servers: []string{"zk1"}, Dialer: b.zk.DialContext})
		require.NoError(t, err)
		limits := usual
		if change != nil {
			change(&limits)
		}
		b.server = New(Config{Manager: b.sm, Path: "/", Options: []inspect.Option{inspect.Every(250 * time.Millisecond)}, Look: lookToken, Act: actToken,
			Hosts: []string{"page"}, Log: slog.New(slog.NewTextHandler(b.log, nil)), limits: limits})
		ctx, cancel := context.WithCancel(context.Background())
		served := make(chan error, 1)
		go func() { served <- b.server.Serve(ctx, b.pipes) }()
		b.end = sync.OnceFunc(func() {
			cancel()
			require.NoError(t, <-served)
		})
		t.Cleanup(func() {
			b.end()
			require.NoError(t, b.sm.Close())
		})
		f(b)
	})
}

// client is a connection to the page.
type client struct {
	*testing.T
	net.Conn
	in *bufio.Reader
}

// dial connects, and sends bytes.
func (b *bubble) dial(request string) *client {
	b.Helper()
	here, there := net.Pipe()
	b.pipes.conns <- there
	b.Cleanup(func() { _ = here.Close() })
	_, err := io.WriteString(here, request)
	require.NoError(b, err)
	return &client{b.T, here, bufio.NewReader(here)}
}

const (
	askAbout  = "GET /api/about HTTP/1.1\r\nHost: page\r\nAuthorization: Bearer " + lookToken + "\r\n\r\n"
	askEvents = "GET /api/events HTTP/1.1\r\nHost: page\r\nAuthorization: Bearer " + lookToken + "\r\n\r\n"
	askBare   = "GET /api/about HTTP/1.1\r\nHost: page\r\n\r\n"
)

// answer reads one answer, without its body.
func (c *client) answer() *http.Response {
	c.Helper()
	response, err := http.ReadResponse(c.in, nil)
	require.NoError(c, err)
	return response
}

// requireClosed waits until the server ends the connection.
func (c *client) requireClosed() {
	c.Helper()
	_, err := io.Copy(io.Discard, c.in)
	require.NoError(c, err)
}

// big makes a tree whose report has more than a number of bytes.
func (b *bubble) big(bytes int) {
	b.Helper()
	name := strings.Repeat("x", 1000)
	for i := range bytes / len(name) {
		require.NoError(b, b.zk.Put(fmt.Sprintf("/%s-%d", name, i), []byte("1")))
	}
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// Two hundred viewers that do not read cost little, and are cut off.
func TestFault33_StalledViewers(t *testing.T) {
	const viewers, size = 200, 800 << 10
	inBubble(t, func(l *limits) { l.viewers, l.perAddress, l.perSession = viewers, viewers, viewers }, func(b *bubble) {
		b.big(size)
		reader := b.dial(askEvents) // warms up: the report exists
		reader.until("report")
		require.NoError(b, reader.Close())
		synctest.Wait()

		before := heap()
		for range viewers {
			b.dial(askEvents)
			synctest.Wait()
		}
		time.Sleep(b.server.cfg.limits.write / 2) // and the report is read, and sent
		synctest.Wait()
		b.seats(viewers)
		require.Less(b, heap()-before, 16<<20, "bytes of %d viewers and a report of %d", viewers, size)
		time.Sleep(b.server.cfg.limits.write)
		synctest.Wait()
		b.seats(0)
		b.server.feed.work.Wait() // and the ensemble is no longer read
	})
}

// seats checks how many viewers there are.
func (b *bubble) seats(n int) {
	b.Helper()
	b.server.feed.mu.Lock()
	defer b.server.feed.mu.Unlock()
	require.Len(b, b.server.feed.seats, n)
	b.server.seats.mu.Lock()
	defer b.server.seats.mu.Unlock()
	require.Equal(b, n, b.server.seats.all)
	if n == 0 {
		require.Empty(b, b.server.seats.byAddress)
		require.Empty(b, b.server.seats.bySession)
	}
}

// until reads events until one has the name, and returns its data.
func (c *client) until(name string) string {
	c.Helper()
	c.beginning(name)
	line, err := c.in.ReadString('\n')
	require.NoError(c, err)
	return line
}

// beginning reads events until one of the name begins.
func (c *client) beginning(name string) {
	c.Helper()
	for {
		line, err := c.in.ReadString('\n')
		require.NoError(c, err)
		if strings.HasPrefix(line, "event: "+name) {
			return
		}
	}
}

// Viewers that stall at different reports keep them all. The oldest are cut off
// when there are too many bytes.
func TestFault33_StalledAtDifferentReports(t *testing.T) {
	const size = 100 << 10
	inBubble(t, func(l *limits) { l.superseded, l.write = 3*size, time.Hour }, func(b *bubble) {
		b.big(size)
		kept := func() int {
			b.server.feed.mu.Lock()
			defer b.server.feed.mu.Unlock()
			_, total := b.server.feed.superseded()
			return total
		}
		good := b.dial(askEvents)
		good.until("report")
		var stalled []*client
		for i := range 9 {
			stalled = append(stalled, b.dial(askEvents))
			stalled[i].beginning("report")
			require.NoError(b, b.zk.Put("/changed", fmt.Append(nil, i)))
			good.until("report")
			synctest.Wait()
			require.LessOrEqual(b, kept(), 3*size)
		}
		require.NotZero(b, kept())
		rest, err := io.ReadAll(stalled[0].in)
		require.NoError(b, err)
		require.Less(b, len(rest), size, "it was not cut off")
		require.Contains(b, good.again(b), `"path":"/changed"`)
	})
}

// again makes a change, and returns the report that shows it.
func (c *client) again(b *bubble) string {
	c.Helper()
	require.NoError(b, b.zk.Put("/changed", []byte("again")))
	return c.until("report")
}

// A viewer that reads is served for hours: no limit of a request ends it.
func TestEventsOutlastTheLimits(t *testing.T) {
	inBubble(t, nil, func(b *bubble) {
		c := b.dial(askEvents)
		require.Equal(b, http.StatusOK, c.answer().StatusCode)
		begun := time.Now()
		for time.Since(begun) < time.Hour {
			c.until("confirmed")
		}
		require.Contains(b, c.again(b), "/changed")
	})
}

// No viewer can take the places of all others.
func TestFault33_ViewersAreCounted(t *testing.T) {
	inBubble(t, func(l *limits) { l.viewers, l.perAddress, l.perSession = 5, 4, 2 }, func(b *bubble) {
		take := func(session, address string) (func(), bool) {
			return b.server.seats.take(viewer{looks, session, address})
		}
		for _, c := range []struct {
			session, address string
			ok               bool
		}{
			{"a", "1", true}, {"a", "1", true}, {"a", "1", false}, {"a", "2", true}, // a session's
			{"b", "1", true}, {"c", "1", true}, {"d", "1", false}, // an address's
			{"e", "3", false}, // all
		} {
			leave, ok := take(c.session, c.address)
			require.Equal(b, c.ok, ok, "%v", c)
			if ok {
				defer leave()
			}
		}
		c := b.dial(askEvents)
		response := c.answer()
		require.Equal(b, http.StatusServiceUnavailable, response.StatusCode)
		require.Equal(b, "10", response.Header.Get("Retry-After"))
		text, err := io.ReadAll(response.Body)
		require.NoError(b, err)
		require.Regexp(b, oneSentence, string(text))
		c.requireClosed()
	})
	inBubble(t, func(l *limits) { l.viewers = 1 }, func(b *bubble) {
		first := b.dial(askEvents)
		require.Equal(b, http.StatusOK, first.answer().StatusCode)
		require.Equal(b, http.StatusServiceUnavailable, b.dial(askEvents).answer().StatusCode)
		require.NoError(b, first.Close())
		synctest.Wait()
		b.seats(0)
		require.Equal(b, http.StatusOK, b.dial(askEvents).answer().StatusCode)
	})
}

// Clients without a token keep few connections, each for a short time, and do
// not shut out those with one.
func TestFault47_Strangers(t *testing.T) {
	inBubble(t, func(l *limits) { l.strangers = 3 }, func(b *bubble) {
		// A rejected client is not kept alive.
		c := b.dial(askBare)
		require.Equal(b, http.StatusUnauthorized, c.answer().StatusCode)
		c.requireClosed()
		// A silent one has seconds, as has one that sends a byte now and then.
		begun := time.Now()
		c = b.dial("GET / HT")
		go func() {
			for {
				if _, err := c.Write([]byte("x")); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		c.requireClosed()
		require.LessOrEqual(b, time.Since(begun), b.server.cfg.limits.header)

		// The oldest of them make room.
		viewer := b.dial(askAbout)
		require.Equal(b, http.StatusOK, viewer.answer().StatusCode)
		var silent []*client
		for range 10 {
			silent = append(silent, b.dial(""))
		}
		late := b.dial(askAbout)
		require.Equal(b, http.StatusOK, late.answer().StatusCode)
		begun = time.Now()
		for _, c := range silent[:8] {
			c.requireClosed()
		}
		require.Zero(b, time.Since(begun))
		silent[9].requireClosed()
		require.Equal(b, b.server.cfg.limits.header, time.Since(begun))
	})
}

// Even a client with a token has a share of the connections.
func TestFault47_ConnectionsAreCounted(t *testing.T) {
	inBubble(t, func(l *limits) { l.connections = 2 }, func(b *bubble) {
		first, second := b.dial(askAbout), b.dial(askAbout)
		require.Equal(b, http.StatusOK, first.answer().StatusCode)
		require.Equal(b, http.StatusOK, second.answer().StatusCode)
		third := b.dial(askAbout)
		require.Equal(b, http.StatusServiceUnavailable, third.answer().StatusCode)
		third.requireClosed()
		require.NoError(b, first.Close())
		synctest.Wait()
		fourth := b.dial(askAbout)
		require.Equal(b, http.StatusOK, fourth.answer().StatusCode)
		begun := time.Now()
		_, err := io.Copy(io.Discard, fourth.in)
		require.NoError(b, err)
		require.LessOrEqual(b, time.Since(begun), b.server.cfg.limits.idle, "an idle connection is kept")
	})
}

// A request has a limit in time and in bytes.
func TestFault33_Requests(t *testing.T) {
	inBubble(t, nil, func(b *bubble) {
		head := "POST /api/drain HTTP/1.1\r\nHost: page\r\nContent-Type: application/json\r\nAuthorization: Bearer " + actToken + "\r\n"
		begun := time.Now()
		c := b.dial(head + "Content-Length: 1000\r\n\r\n{")
		require.Equal(b, http.StatusBadRequest, c.answer().StatusCode)
		require.Equal(b, b.server.cfg.limits.request, time.Since(begun))

		c = b.dial("")
		go func() { _, _ = io.WriteString(c, head+"X: "+strings.Repeat("x", 2*maxHeader)+"\r\n\r\n") }()
		require.Equal(b, http.StatusRequestHeaderFieldsTooLarge, c.answer().StatusCode)

		// An action may take longer than a request.
		_, err := naming.NewRegistry(b.sm).Register(b.Context(), naming.Instance{Service: "shop", ID: "shop-1", Address: "10.0.0.1", Port: 80})
		require.NoError(b, err)
		answer := make(chan struct{})
		defer b.zk.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpSetData || r.Op == zktest.OpMulti {
				return zktest.Hold(answer)
			}
			return zktest.Pass
		})()
		body := `{"path":"/services/shop","id":"shop-1","confirm":"shop-1","layout":"curator","draining":true}`
		c = b.dial(head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body))
		time.AfterFunc(patience-time.Second, func() { close(answer) })
		begun = time.Now()
		response := c.answer()
		text, err := io.ReadAll(response.Body)
		require.NoError(b, err)
		require.Equal(b, http.StatusNoContent, response.StatusCode, "%s", text)
		require.Greater(b, time.Since(begun), b.server.cfg.limits.request)
	})
}

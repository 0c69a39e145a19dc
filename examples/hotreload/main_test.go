package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/sessiontest"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	key  = "/hotreload"
	good = `{"greeting":"Hello","maxLength":20}`
)

// pipes is an in-memory listener, because a bubble of virtual time has no
// sockets.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// service is a process of the service, and a client of it.
type service struct {
	*sessiontest.Process
	w      *sessiontest.World
	call   *sessiontest.Call
	client *http.Client
}

func startService(w *sessiontest.World) *service {
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	s := &service{Process: w.Process(), w: w}
	s.client = &http.Client{Transport: &http.Transport{DialContext: p.dial, DisableKeepAlives: true}}
	s.call = w.Go(func(ctx context.Context) error {
		return run(ctx, s.Manager, key, p, slog.New(slog.DiscardHandler))
	})
	return s
}

func (s *service) get(path string) string {
	s.w.Helper()
	r, err := s.client.Get("http://service" + path)
	require.NoError(s.w, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	require.NoError(s.w, err)
	return string(body)
}

func (s *service) eventually(path, answer string) {
	s.w.Helper()
	s.w.Eventually(func() bool { return s.get(path) == answer }, "%s answers %q", path, answer)
}

func TestANewConfigurationIsTakenByAll(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		w.Put(key, good)
		replicas := []*service{startService(w), startService(w)}
		for _, s := range replicas {
			require.Equal(t, "Hello, Ada\n", s.get("/?name=Ada"))
		}
		w.Put(key, `{"greeting":"Good day","maxLength":3}`)
		for _, s := range replicas {
			s.eventually("/?name=Ada", "Good day, Ada\n")
			require.Equal(t, "a name has at most 3 bytes\n", s.get("/?name=Grace"))
			err := s.call.Cancel()
			require.NoError(t, err, "the service stops without an error")
		}
	})
}

// A malformed, misspelt, senseless or empty value is rejected.
func TestTheLastGoodConfigurationStays(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		w.Put(key, good)
		s := startService(w)
		for bad, reason := range map[string]string{
			`{"greeting":`:                        "it ends too early",
			`{"greeting":"Hi","maxLenght":7}`:     "maxLenght",
			`{"greeting":"Hi","maxLength":-1}`:    "maxLength is -1",
			`{"greeting":"","maxLength":7}`:       "greeting is empty",
			"":                                    "empty",
			`[]`:                                  "array",
			`{"greeting":"Hi","maxLength":"all"}`: "maxLength",
		} {
			w.Put(key, bad)
			time.Sleep(time.Second)
			require.Equal(t, "Hello, Ada\n", s.get("/?name=Ada"), bad)
			require.Contains(t, s.get("/status"), "rejected: ")
			require.Contains(t, s.get("/status"), reason)
		}
		require.NoError(t, w.Server.Remove(key))
		time.Sleep(time.Second)
		require.Equal(t, "Hello, Ada\n", s.get("/?name=Ada"), "the key is deleted")
		w.Put(key, `{"greeting":"Good day","maxLength":20}`)
		s.eventually("/?name=Ada", "Good day, Ada\n")
		require.NotContains(t, s.get("/status"), "rejected: ")
	})
}

// ZooKeeper is unreachable for longer than a session lasts. The service
// continues with its configuration, and applies the change afterwards.
func TestItServesWhileZooKeeperIsAway(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		w.Put(key, good)
		s := startService(w)
		s.Link.Cut(zktest.Both)
		time.Sleep(time.Minute)
		w.Put(key, `{"greeting":"Good day","maxLength":20}`)
		require.Equal(t, "Hello, Ada\n", s.get("/?name=Ada"))
		require.Equal(t, "version 0\nstale true\n", s.get("/status"))
		s.Link.Heal()
		s.eventually("/?name=Ada", "Good day, Ada\n")
		require.Equal(t, "version 1\nstale false\n", s.get("/status"))
	})
}

// The service is started before a usable configuration exists.
func TestItWaitsForAGoodConfiguration(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		s := startService(w)
		w.Put(key, `{"greeting":""}`)
		time.Sleep(time.Minute)
		require.True(t, s.call.Running())
		err := startService(w).call.Cancel()
		require.NoError(t, err, "the service can be stopped while it waits")
		w.Put(key, good)
		s.eventually("/?name=Ada", "Hello, Ada\n")
	})
}

// A request under way is finished when the service has to stop.
func TestItFinishesWhatItServes(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		w.Put(key, good)
		p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		s := w.Process()
		call := w.Go(func(ctx context.Context) error {
			return run(ctx, s.Manager, key, p, slog.New(slog.DiscardHandler))
		})
		conn, err := p.dial(w.Context(), "", "")
		require.NoError(t, err)
		_, err = io.WriteString(conn, "GET /?name=Ada HTTP/1.0\r\n\r\n") // and reads the answer slowly
		require.NoError(t, err)
		time.Sleep(time.Second)
		stop := w.Go(func(context.Context) error { return call.Cancel() })
		time.Sleep(time.Second)
		require.True(t, stop.Running())
		answer, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.Contains(t, string(answer), "Hello, Ada")
		require.NoError(w, stop.Wait())
	})
}

// A listener that breaks ends the service with an error.
func TestRunReportsWhatEndsIt(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		w.Put(key, good)
		p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		s := w.Process()
		call := w.Go(func(ctx context.Context) error {
			return run(ctx, s.Manager, key, p, slog.New(slog.DiscardHandler))
		})
		require.NoError(t, p.Close())
		err := call.Wait()
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

package core_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/sasl"
	"github.com/docent-go/docent/zktest"
)

var saslUsers = map[string]string{"ann": "anns-" + secretWord, "bob": "bobs-" + secretWord}

// asUser logs in by SASL. Only the user may access the user's nodes.
func asUser(name string) func(*core.Config) {
	return func(cfg *core.Config) {
		cfg.SASL = sasl.DigestMD5(name, saslUsers[name])
		cfg.ACL = core.CreatorACL()
	}
}

// onSASL runs f on a server that takes logins, and on one that requires them.
func onSASL(t *testing.T, f func(w *world)) {
	t.Run("taken", func(t *testing.T) { inWorld(t, f, zktest.SASL(saslUsers)) })
	t.Run("required", func(t *testing.T) { inWorld(t, f, zktest.SASL(saslUsers), zktest.RequireSASL()) })
}

// opLog notes the requests that a server gets.
type opLog struct {
	mu       sync.Mutex
	requests []zktest.Request
}

func (w *world) opLog() *opLog {
	l := new(opLog)
	w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.requests = append(l.requests, r)
		return zktest.Pass
	}))
	return l
}

// take returns what one session has sent, and begins anew for all.
func (l *opLog) take(session int64) (ops []zktest.Op) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.requests {
		if r.Session == session {
			ops = append(ops, r.Op)
		}
	}
	l.requests = nil
	return ops
}

// lines collects what is logged.
type lines struct {
	mu   sync.Mutex
	list []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, string(p))
	return len(p), nil
}

func (l *lines) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: level}))
}

// with returns the lines that contain a text.
func (l *lines) with(part string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for _, line := range l.list {
		if strings.Contains(line, part) {
			found = append(found, line)
		}
	}
	return found
}

// changing is a mechanism whose password can be changed under way.
type changing struct {
	now atomic.Pointer[sasl.Mechanism]
}

func newChanging(user, password string) *changing {
	c := new(changing)
	c.set(user, password)
	return c
}

func (c *changing) set(user, password string) {
	m := sasl.DigestMD5(user, password)
	c.now.Store(&m)
}

func (c *changing) Name() string { return "DIGEST-MD5" }
func (c *changing) Start(ctx context.Context, server string) (sasl.Exchange, error) {
	return (*c.now.Load()).Start(ctx, server)
}

// The identity of the login owns the created nodes, and no other identity may
// read them.
func TestSASL_CreatorACL(t *testing.T) {
	onSASL(t, func(w *world) {
		ctx := w.Context()
		ann, bob := w.process(asUser("ann")), w.process(asUser("bob"))
		_, err := ann.Create(ctx, "/a", []byte("anns"), core.Persistent)
		require.NoError(w, err)
		n, ok := w.Srv.Node("/a")
		require.True(w, ok)
		require.Equal(w, []zktest.ACL{{Perms: 31, Scheme: "sasl", ID: "ann"}}, n.ACL)
		data, _, err := ann.Get(ctx, "/a")
		require.NoError(w, err)
		require.Equal(w, "anns", string(data))
		_, _, err = bob.Get(ctx, "/a")
		require.ErrorIs(w, err, core.ErrNoAuth)
	})
	inWorld(t, func(w *world) {
		ann, stranger := w.process(asUser("ann")), w.process()
		_, err := ann.Create(w.Context(), "/a", nil, core.Persistent)
		require.NoError(w, err)
		_, _, err = stranger.Get(w.Context(), "/a")
		require.ErrorIs(w, err, core.ErrNoAuth)
	}, zktest.SASL(saslUsers))
}

// Each connection and each session logs in before it sends any other request,
// including the requests that set watches again.
func TestSASL_ComesFirst(t *testing.T) {
	onSASL(t, func(w *world) {
		ctx := w.Context()
		ops := w.opLog()
		p, other := w.process(asUser("ann")), w.process(asUser("ann"))
		_, err := p.Create(ctx, "/a", nil, core.Persistent)
		require.NoError(w, err)
		for round := range int32(3) {
			_, _, watch, err := p.session().GetW(ctx, "/a")
			require.NoError(w, err)
			p.link.Refuse(true)
			p.link.Disconnect()
			_, err = other.Set(ctx, "/a", []byte("news"), 2*round)
			require.NoError(w, err)
			s := p.session()
			synctest.Wait() // a request of the connection before may be under way
			ops.take(s.ID())
			p.link.Refuse(false)
			w.eventually("the watch fires", func() bool { return watch.Event() != 0 })
			require.Equal(w, core.NodeDataChanged, watch.Event())
			require.Equal(w, s.ID(), p.session().ID())
			require.Equal(w, []zktest.Op{zktest.OpSASL, zktest.OpSASL}, ops.take(s.ID())[:2])

			w.Srv.Restart()
			_, err = p.Set(ctx, "/a", []byte("after a restart"), 2*round+1)
			require.NoError(w, err)
			synctest.Wait()
			ops.take(s.ID())
			w.Srv.Expire(s.ID())
			next := p.next(s)
			require.NotEqual(w, s.ID(), next.ID())
			require.Equal(w, []zktest.Op{zktest.OpSASL, zktest.OpSASL}, ops.take(next.ID())[:2])
			_, err = p.Create(ctx, "/e", nil, core.Ephemeral)
			require.NoError(w, err)
			require.NoError(w, p.Delete(ctx, "/e", core.AnyVersion))
		}
	})
}

// Credentials follow the login: the connection has both identities.
func TestSASL_WithCredentials(t *testing.T) {
	onSASL(t, func(w *world) {
		ops := w.opLog()
		p := w.process(asUser("ann"), func(cfg *core.Config) {
			cfg.Auth = []core.Credential{core.Digest("ann", "digest")}
		})
		require.Equal(w, []zktest.Op{zktest.OpSASL, zktest.OpSASL, zktest.OpAuth}, ops.take(p.session().ID()))
		_, err := p.Create(w.Context(), "/a", nil, core.Persistent)
		require.NoError(w, err)
		n, ok := w.Srv.Node("/a")
		require.True(w, ok)
		require.Len(w, n.ACL, 2)
	})
}

// A refused login ends Dial at once, and says what to do.
func TestSASL_DialRefused(t *testing.T) {
	onSASL(t, func(w *world) {
		start := time.Now()
		sm, err := core.Dial(w.Within(time.Hour), core.Config{
			Servers: []string{"zk1"}, Dialer: w.Srv.DialContext, SASL: sasl.DigestMD5("ann", saslUsers["bob"]),
		})
		require.Nil(w, sm)
		require.ErrorIs(w, err, core.ErrAuth)
		require.ErrorContains(w, err, "SASL with DIGEST-MD5")
		require.ErrorContains(w, err, "check the user's name, the password, and the Server section of the server's JAAS file")
		require.NotContains(w, err.Error(), secretWord)
		require.NotContains(w, err.Error(), "\n")
		require.Less(w, time.Since(start), 5*time.Second)
		time.Sleep(time.Hour)
		require.Equal(w, 1, w.Srv.Count(zktest.OpConnect))
		require.Empty(w, w.Srv.Sessions())
	})
}

// A server in FIPS mode, the default since ZooKeeper 3.9, rejects the login at
// its first, empty token. Neither the name nor the password is wrong.
func TestSASL_ServerInFIPSMode(t *testing.T) {
	for _, code := range []zktest.Code{zktest.CodeAuthFailed, zktest.CodeSessionClosedRequireSASL} {
		inWorld(t, func(w *world) {
			w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if r.Op == zktest.OpSASL {
					return zktest.Fail(code)
				}
				return zktest.Pass
			}))
			cfg := core.Config{Servers: []string{"zk1"}, Dialer: w.Srv.Link().DialContext}
			asUser("ann")(&cfg)
			_, err := core.Dial(w.Context(), cfg)
			require.ErrorIs(w, err, core.ErrAuth)
			require.ErrorContains(w, err, "(SASL with DIGEST-MD5): the server rejects the mechanism, and has seen no name and no password yet; "+
				"a server in FIPS mode does, the default since ZooKeeper 3.9: set fips-mode=false in zoo.cfg")
			require.NotContains(w, err.Error(), "check the")
		}, zktest.SASL(saslUsers))
	}
}

// A server may keep a connection whose login has failed. That does not count as
// a login.
func TestSASL_FailureAllowed(t *testing.T) {
	inWorld(t, func(w *world) {
		_, err := core.Dial(w.Within(time.Hour), core.Config{
			Servers: []string{"zk1"}, Dialer: w.Srv.DialContext, SASL: sasl.DigestMD5("ann", "guess"),
		})
		require.ErrorIs(w, err, core.ErrAuth)
		require.ErrorContains(w, err, "has not proven that it knows the password")
	}, zktest.SASL(saslUsers), zktest.AllowFailedSASL())
}

// A server without SASL answers without a challenge.
func TestSASL_ServerWithoutIt(t *testing.T) {
	inWorld(t, func(w *world) {
		_, err := core.Dial(w.Within(time.Minute), core.Config{
			Servers: []string{"zk1"}, Dialer: w.Srv.DialContext, SASL: sasl.DigestMD5("ann", "x"),
		})
		require.ErrorContains(w, err, "the SASL login with DIGEST-MD5 failed: the server has no SASL; add a Server section to its JAAS file")
	})
}

// A server may close the connection during the login. Another server may not.
func TestSASL_ServerHangsUp(t *testing.T) {
	inWorld(t, func(w *world) {
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpSASL {
				return zktest.DropRequest
			}
			return zktest.Pass
		})
		_, err := core.Dial(w.Within(time.Minute), core.Config{
			Servers: []string{"zk1"}, Dialer: w.Srv.DialContext, SASL: sasl.DigestMD5("ann", "x"),
		})
		require.ErrorIs(w, err, core.ErrUnreachable)
		require.ErrorContains(w, err, "log in to zk1:2181: the server closed the connection during the SASL login; look into its log")
	})
}

// Start logs a refused login once, and goes on until the server accepts it.
func TestSASL_StartRefused(t *testing.T) {
	onSASL(t, func(w *world) {
		log, mechanism := new(lines), newChanging("ann", "guess")
		sm, err := core.Start(core.Config{
			Servers: []string{"zk1"}, Dialer: w.Srv.DialContext, SASL: mechanism, Logger: log.logger(slog.LevelWarn),
		})
		require.NoError(w, err)
		defer sm.Close()
		_, err = sm.Session(w.Within(time.Minute))
		require.ErrorIs(w, err, core.ErrUnreachable)
		require.ErrorIs(w, err, core.ErrAuth)
		require.Greater(w, w.Srv.Count(zktest.OpConnect), 20)
		told := log.with("")
		require.Len(w, told, 1)
		require.Contains(w, told[0], "no session can be opened")
		require.Contains(w, told[0], "Server section of the server's JAAS file")
		mechanism.set("ann", saslUsers["ann"])
		_, err = sm.Session(w.Context())
		require.NoError(w, err)
	})
}

// The password is changed during a session: the next connection is refused. The
// session tries its other servers, logs the reason once, and ends in time.
func TestSASL_RefusedLater(t *testing.T) {
	for _, holds := range []bool{true, false} {
		t.Run(fmt.Sprintf("holds %v", holds), func(t *testing.T) {
			onSASL(t, func(w *world) {
				log, mechanism := new(lines), newChanging("ann", saslUsers["ann"])
				var mu sync.Mutex
				dialled := make(map[string]int)
				link := w.Srv.Link()
				sm, err := core.Dial(w.Context(), core.Config{
					Servers: []string{"zk1", "zk2"}, SASL: mechanism, Logger: log.logger(slog.LevelWarn),
					Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
						mu.Lock()
						dialled[address]++
						mu.Unlock()
						return link.DialContext(ctx, network, address)
					},
				})
				require.NoError(w, err)
				defer sm.Close()
				p := &process{sm, w, link}
				s := p.session()
				if holds {
					p.enter("/l")
				}
				mu.Lock()
				clear(dialled)
				mu.Unlock()
				mechanism.set("ann", "guess")
				w.Srv.Disconnect(s.ID())
				start := time.Now()
				<-s.Done()
				require.ErrorIs(w, s.Err(), core.ErrTrustElapsed)
				require.LessOrEqual(w, time.Since(start), s.Timeout())
				mu.Lock()
				require.Len(w, dialled, 2)
				require.Less(w, dialled["zk1:2181"]+dialled["zk2:2181"], 100, "between two rounds there are pauses")
				mu.Unlock()
				synctest.Wait()
				why := log.with("a server rejects the credentials: trying the others")
				require.Len(w, why, 1)
				require.Contains(w, why[0], "Server section of the server's JAAS file")
				w.eventually("the operator is told", func() bool { return len(log.with("no session can be opened")) > 0 })
				require.Contains(w, log.with("no session can be opened")[0], "JAAS")

				mechanism.set("ann", saslUsers["ann"])
				require.NotEqual(w, s.ID(), p.session().ID())
			})
		})
	}
}

// A server that requires a login opens a session without one. The error of the
// first request says that the login is missing.
func TestSASL_RequiredAndNotConfigured(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		for _, ask := range []func() error{
			func() error { _, _, err := p.Get(w.Context(), "/"); return err },
			func() error { _, err := p.Create(w.Context(), "/a", nil, core.Persistent); return err },
			func() error { _, err := p.session().Enter(w.Context(), "/l", "lock-", nil); return err },
		} {
			err := ask()
			var code *core.CodeError
			require.ErrorAs(w, err, &code)
			require.EqualValues(w, -124, code.Code)
			require.ErrorContains(w, err, "Config.SASL")
			require.ErrorContains(w, err, "enforce.auth.schemes")
			require.NotErrorIs(w, err, core.ErrUnknownOutcome)
		}
	}, zktest.SASL(saslUsers), zktest.RequireSASL())
}

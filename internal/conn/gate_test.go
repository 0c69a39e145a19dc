package conn

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/wire"
)

// turns is a login with fixed tokens. It is done once the server has sent the
// same number of tokens.
type turns struct {
	tokens []string
	got    []string
	fails  error
}

func (x *turns) Next(challenge []byte) ([]byte, bool, error) {
	x.got = append(x.got, string(challenge))
	switch {
	case x.fails != nil:
		return nil, false, x.fails
	case len(x.tokens) == 0:
		return nil, true, nil
	}
	token := x.tokens[0]
	x.tokens = x.tokens[1:]
	if token == "" {
		return nil, false, nil
	}
	return []byte(token), false, nil
}

func withLogin(x Exchange) func(*Config, *owner) {
	return func(cfg *Config, _ *owner) {
		cfg.Login = func(context.Context) (Exchange, error) { return x, nil }
	}
}

func withAuth(cfg *Config, _ *owner) {
	cfg.Auth = []Credential{{"digest", []byte("me:pw")}, {"ip", nil}}
}

// withUser has the owner send a call once the connection is open.
func withUser(_ *Config, o *owner) {
	o.watches = []*Call{o.noted(wire.OpSetWatches, wire.SetWatches(ourZxid, wire.Watches{Data: []string{"/w"}}))}
	o.onOpened = func(c *Conn) { c.Send(o.noted(wire.OpDelete, wire.Delete("/a", 1))) }
}

// The order is the hello, the tokens of the login, the credentials, each after
// the previous answer. Then come the watches, and a user's calls directly after
// them.
func TestGate(t *testing.T) {
	login := &turns{tokens: []string{"", "response"}}
	inRig(t, func(g *rig) {
		hello := g.read()
		want := append([]byte{}, theHello...)
		wire.SetHelloZxid(want, ourZxid)
		require.Equal(g, want, hello, "our zxid is in it, and all else is the client's")
		g.written()
		g.quiet()
		g.send(theGrant)

		r := g.request(wire.OpSASL)
		require.Equal(g, str(""), r.Body)
		g.written()
		g.quiet()
		g.send(answer(r.Xid, 0, str("challenge")))
		r = g.request(wire.OpSASL)
		require.Equal(g, str("response"), r.Body)
		g.written()
		g.quiet()
		g.send(answer(r.Xid, 0, str("proof")))
		require.Equal(g, []string{"", "challenge", "proof"}, login.got)

		first := g.request(wire.OpAuth)
		require.Equal(g, join(i32(0), str("digest"), str("me:pw")), first.Body)
		second := g.request(wire.OpAuth)
		require.Equal(g, join(i32(0), str("ip"), i32(-1)), second.Body)
		require.Len(g, g.written(), 1, "both at once")
		g.send(answer(first.Xid, 0))
		g.quiet()
		require.Equal(g, []string{"granted 77 8s", "answered sasl", "answered sasl", "answered auth"}, g.told())
		require.False(g, g.c.Opened())
		g.send(answer(second.Xid, 0))
		require.True(g, g.c.Opened())
		require.Equal(g, []string{"answered auth", "watches", "opened"}, g.told())

		require.Equal(g, str("/w"), g.request(wire.OpSetWatches).Body[12:][:6])
		g.request(wire.OpDelete)
	}, withLogin(login), withAuth, withUser)
}

// Without a login and credentials, the watches follow the hello directly.
func TestGateWithoutCredentials(t *testing.T) {
	inRig(t, func(g *rig) {
		g.read()
		g.written()
		g.quiet()
		g.send(theGrant)
		g.request(wire.OpSetWatches)
		g.request(wire.OpDelete)
	}, withUser)
}

// A gate that does not open sends no watches and no user's calls, ends the
// connection, and reports whether the server has refused.
func TestGateThatStaysShut(t *testing.T) {
	boom := errors.New("boom")
	const throttled, moved = wire.Code(-127), wire.CodeSessionMoved
	for _, c := range []struct {
		name    string
		with    func(*Config, *owner)
		answers []func(xid int32) []byte
		refused string // "" for none
		err     string
	}{
		{"no exchange", func(cfg *Config, _ *owner) {
			cfg.Login = func(context.Context) (Exchange, error) { return nil, boom }
		}, nil, "boom", "boom"},
		{"the exchange fails", withLogin(&turns{fails: boom}), nil, "boom", "boom"},
		{"the login is refused", withLogin(&turns{tokens: []string{"a"}}), codes(wire.CodeAuthFailed),
			"the server rejects the credentials (scheme sasl): AUTHFAILED (-115)", "AUTHFAILED"},
		{"the login is throttled", withLogin(&turns{tokens: []string{"a"}}), codes(throttled), "", "THROTTLEDOP"},
		{"a token without an end", withLogin(&turns{tokens: []string{"a"}}), []func(int32) []byte{
			func(xid int32) []byte { return answer(xid, 0, i32(100)) }}, "", "a SASL token"},
		{"a credential is refused", withAuth, codes(0, wire.CodeAuthFailed),
			"the server rejects the credentials (scheme ip): AUTHFAILED (-115)", "AUTHFAILED"},
		{"the session has moved", withAuth, codes(moved), "", "SESSIONMOVED"},
		{"nobody knows", withAuth, codes(-1), "the server rejects the credentials (scheme digest): SYSTEMERROR (-1)", "SYSTEMERROR"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inRig(t, func(g *rig) {
				g.read()
				_, err := g.server.Write(theGrant)
				require.NoError(g, err)
				for _, a := range c.answers {
					r, ok := wire.ParseRequest(g.read())
					require.True(g, ok)
					require.Contains(g, []wire.Op{wire.OpSASL, wire.OpAuth}, r.Op)
					_, err := g.server.Write(a(r.Xid))
					require.NoError(g, err)
				}
				g.over()
				require.ErrorContains(g, g.ended, c.err)
				told := g.told()
				require.NotContains(g, told, "opened")
				require.NotContains(g, told, "watches")
				require.Equal(g, c.refused != "", containsPrefix(told, "refused"), told)
				if c.refused != "" {
					require.Contains(g, told, "refused: "+c.refused)
				}
				require.False(g, g.c.Opened())
			}, c.with, withUser)
		})
	}
}

func codes(all ...wire.Code) (answers []func(int32) []byte) {
	for _, code := range all {
		answers = append(answers, func(xid int32) []byte { return answer(xid, code, str("token")) })
	}
	return answers
}

func containsPrefix(lines []string, prefix string) bool {
	for _, l := range lines {
		if len(l) >= len(prefix) && l[:len(prefix)] == prefix {
			return true
		}
	}
	return false
}

// A server cannot keep a login going for ever.
func TestGateEndlessLogin(t *testing.T) {
	tokens := make([]string, 100)
	for i := range tokens {
		tokens[i] = "again"
	}
	inRig(t, func(g *rig) {
		g.read()
		g.send(theGrant)
		for range maxRounds {
			g.send(answer(g.request(wire.OpSASL).Xid, 0, str("more")))
		}
		g.over()
		require.ErrorIs(g, g.ended, errEndless)
		require.Contains(g, g.told(), "refused: "+errEndless.Error())
	}, withLogin(&turns{tokens: tokens}))
}

// An expired session is reported, and nothing is sent on its connection.
func TestGateOfAnExpiredSession(t *testing.T) {
	inRig(t, func(g *rig) {
		g.read()
		expired := frame(i32(0), i32(0), i64(0), i32(16), make([]byte, 16))
		g.written()
		g.send(expired)
		g.quiet()
		require.Equal(g, expired, g.got, "the client has to know")
		require.Equal(g, "granted 0 0s", g.told()[0])
	}, withLogin(&turns{tokens: []string{"a"}}), withAuth, withUser)
}

// An invalid handshake, or one that the owner refuses, ends the connection.
func TestGateBadHandshake(t *testing.T) {
	unwanted := errors.New("another session")
	for name, c := range map[string]struct {
		frame  []byte
		with   func(*Config, *owner)
		reason string
	}{
		"short":       {frame(i32(0), i32(8000), i64(1)), withAuth, "not a ZooKeeper server"},
		"HTTP":        {[]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), withAuth, "not a ZooKeeper server"},
		"no timeout":  {frame(i32(0), i32(0), i64(1), i32(0)), withAuth, "granted a session timeout of 0s"},
		"bad timeout": {frame(i32(0), i32(-5), i64(1), i32(0)), withAuth, "granted a session timeout of -5ms"},
		"not ours":    {theGrant, func(_ *Config, o *owner) { o.onGranted = func() error { return unwanted } }, "another session"},
	} {
		t.Run(name, func(t *testing.T) {
			inRig(t, func(g *rig) {
				g.read()
				g.written()
				_, _ = g.server.Write(c.frame) // which the connection may not read to its end
				g.over()
				require.ErrorContains(g, g.err, c.reason)
				require.ErrorContains(g, g.ended, c.reason)
				require.Empty(g, g.got, "the client dials another server")
				g.quiet()
			}, c.with, withUser)
		})
	}
}

// A call that is sent after the end of its connection is never written.
func TestSendAfterTheEnd(t *testing.T) {
	inRig(t, func(g *rig) {
		g.open()
		g.c.Close()
		synctest.Wait()
		call := g.noted(wire.OpDelete, wire.Delete("/a", 1))
		g.c.Send(call)
		<-call.Done()
		require.Equal(g, Unsent, call.Fate())
		require.Equal(g, []string{"ended", "delete ends: unsent"}, g.told())
	})
}

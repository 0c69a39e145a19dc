package core_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/sasl"
	"github.com/docent-go/docent/zktest"
)

// own is a user-defined mechanism.
type own struct {
	start func(ctx context.Context, server string) (sasl.Exchange, error)
	valid error
}

func (own) Name() string      { return "OWN" }
func (m own) Validate() error { return m.valid }
func (m own) Start(ctx context.Context, server string) (sasl.Exchange, error) {
	return m.start(ctx, server)
}

type exchangeFunc func(challenge []byte) ([]byte, bool, error)

func (f exchangeFunc) Next(challenge []byte) ([]byte, bool, error) { return f(challenge) }

// The mechanism is given the host of each server as it is configured.
func TestSASLMechanism_server(t *testing.T) {
	inWorld(t, func(w *world) {
		var servers []string
		digest := sasl.DigestMD5("ann", saslUsers["ann"])
		w.process(func(cfg *core.Config) {
			cfg.Servers = []string{"zk1.example:2182"}
			cfg.SASL = own{start: func(ctx context.Context, server string) (sasl.Exchange, error) {
				servers = append(servers, server)
				return digest.Start(ctx, server)
			}}
		})
		require.Equal(w, []string{"zk1.example"}, servers)
	}, zktest.SASL(saslUsers))
}

// If a mechanism cannot begin, Dial ends at once with the mechanism's error.
func TestSASLMechanism_fails(t *testing.T) {
	inWorld(t, func(w *world) {
		fails := errors.New("the keytab has no key for ann")
		start := time.Now()
		_, err := core.Dial(w.Within(time.Hour), core.Config{Servers: []string{"zk1"}, Dialer: w.Srv.DialContext,
			SASL: own{start: func(context.Context, string) (sasl.Exchange, error) { return nil, fails }}})
		require.ErrorIs(w, err, core.ErrAuth)
		require.ErrorIs(w, err, fails)
		require.ErrorContains(w, err, "the SASL login with OWN failed: the keytab has no key for ann")
		require.NotContains(w, err.Error(), "the server refuses", "the server was not asked")
		require.Less(w, time.Since(start), 5*time.Second)
	}, zktest.SASL(saslUsers))
}

// A mechanism that waits in vain fails only the connection, because it may be
// quicker at the next server. It does not block Close.
func TestSASLMechanism_blocks(t *testing.T) {
	inWorld(t, func(w *world) {
		var causes []error
		cfg := core.Config{Servers: []string{"zk1"}, Dialer: w.Srv.DialContext,
			SASL: own{start: func(ctx context.Context, _ string) (sasl.Exchange, error) {
				<-ctx.Done()
				causes = append(causes, ctx.Err())
				return nil, ctx.Err()
			}}}
		start := time.Now()
		_, err := core.Dial(w.Within(time.Minute), cfg)
		require.ErrorIs(w, err, core.ErrUnreachable)
		require.NotErrorIs(w, err, core.ErrAuth)
		require.ErrorContains(w, err, "log in to zk1:2181: the SASL mechanism did not begin the login within")
		require.Less(w, time.Since(start), time.Minute+5*time.Second)
		require.Greater(w, len(causes), 3)
		require.ErrorIs(w, causes[0], context.DeadlineExceeded)

		cfg.Timeout = time.Minute // the mechanism has five seconds
		sm, err := core.Start(cfg)
		require.NoError(w, err)
		time.Sleep(10 * time.Millisecond)
		start = time.Now()
		require.NoError(w, sm.Close())
		require.Less(w, time.Since(start), 2*time.Second)
		require.ErrorIs(w, causes[len(causes)-1], context.Canceled)
	}, zktest.SASL(saslUsers))
}

// A slow mechanism is waited for.
func TestSASLMechanism_slow(t *testing.T) {
	onSASL(t, func(w *world) {
		digest := sasl.DigestMD5("ann", saslUsers["ann"])
		p := w.process(func(cfg *core.Config) {
			cfg.SASL = own{start: func(ctx context.Context, server string) (sasl.Exchange, error) {
				time.Sleep(time.Second)
				return digest.Start(ctx, server)
			}}
		})
		s := p.session()
		h := p.enter("/l")
		for range 3 {
			w.Srv.Disconnect(s.ID())
			require.NoError(w, p.Sync(w.Context(), "/"))
			require.NoError(w, h.Err())
		}
		require.Equal(w, s.ID(), p.session().ID())
	})
}

// A login ends even if the mechanism or the server goes on for ever.
func TestSASLMechanism_endless(t *testing.T) {
	inWorld(t, func(w *world) {
		rounds := 0
		_, err := core.Dial(w.Within(time.Hour), core.Config{Servers: []string{"zk1"}, Dialer: w.Srv.DialContext,
			SASL: own{start: func(context.Context, string) (sasl.Exchange, error) {
				return exchangeFunc(func([]byte) ([]byte, bool, error) {
					rounds++
					return []byte("x"), false, nil
				}), nil
			}}})
		require.ErrorIs(w, err, core.ErrAuth)
		require.ErrorContains(w, err, "more SASL tokens than any mechanism needs")
		require.LessOrEqual(w, rounds, 20)
	}, zktest.SASL(saslUsers), zktest.AllowFailedSASL())
}

// Dial and Start ask the mechanism whether it can work.
func TestSASLMechanism_validate(t *testing.T) {
	for name, c := range map[string]struct {
		m    sasl.Mechanism
		says string
	}{
		"own":             {own{valid: errors.New("there is no keytab")}, "session config: SASL: there is no keytab"},
		"no user":         {sasl.DigestMD5("", secretWord), "session config: SASL: DIGEST-MD5: the user's name is empty"},
		"no password":     {sasl.DigestMD5("ann", ""), "session config: SASL: DIGEST-MD5: the password is empty"},
		"line break":      {sasl.DigestMD5("ann", secretWord+"\n"), "session config: SASL: DIGEST-MD5: the password contains a control character, such as a line break"},
		"not text at all": {sasl.DigestMD5("ann", secretWord+"\xff"), "session config: SASL: DIGEST-MD5: the password is not valid UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := core.Dial(t.Context(), core.Config{Servers: []string{"zk1"}, SASL: c.m})
			require.EqualError(t, err, c.says)
			_, err = core.Start(core.Config{Servers: []string{"zk1"}, SASL: c.m})
			require.EqualError(t, err, c.says)
		})
	}
}

// No log, no hook, no error and no value shows the password of a login.
func TestSASL_secrets(t *testing.T) {
	said := new(heard)
	run := func(opts ...zktest.Option) {
		inWorld(t, func(w *world) {
			mechanism := newChanging("ann", secretWord)
			config := core.Config{Servers: []string{"zk1"}, Dialer: w.Srv.Link().DialContext,
				SASL: sasl.DigestMD5("ann", secretWord), ACL: core.CreatorACL()}
			log := slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug}))
			hidden := struct{ m sasl.Mechanism }{config.SASL} // fmt asks no method of such a field
			said.show(config, &config, config.SASL, hidden, &hidden)
			log.Debug("all of it", "config", config, "sasl", config.SASL, "hidden", hidden)
			config.Logger, config.Hooks = log, []core.Hook{said}
			for _, m := range []sasl.Mechanism{config.SASL, mechanism} {
				cfg := config
				cfg.SASL = m
				sm, err := core.Dial(w.Within(time.Minute), cfg)
				said.show(err)
				if err != nil {
					continue
				}
				_, err = sm.Create(w.Context(), "/a", nil, core.Ephemeral)
				said.show(err)
				s, err := sm.Session(w.Context())
				require.NoError(w, err)
				mechanism.set("ann", secretWord+"x")
				w.Srv.Disconnect(s.ID())
				_, _, err = sm.Get(w.Within(time.Minute), "/a")
				said.show(err, sm.LastFailure())
				require.NoError(w, sm.Close())
			}
		}, opts...)
	}
	users := map[string]string{"ann": secretWord}
	run(zktest.SASL(users))
	run(zktest.SASL(users), zktest.RequireSASL())
	run(zktest.SASL(users), zktest.AllowFailedSASL())
	run(zktest.SASL(saslUsers))
	run()
	require.Contains(t, said.text.String(), "session opened", "the log was on")
	require.Contains(t, said.text.String(), "DIGEST-MD5")
	requireSilent(t, said.text.String())
}

// requireSilent requires that a text does not have the password in any form.
func requireSilent(t *testing.T, text string) {
	t.Helper()
	for _, form := range passwordForms() {
		if i := strings.Index(text, form); i >= 0 {
			require.Fail(t, "the password is shown", "%s", text[max(0, i-300):min(len(text), i+200)])
		}
	}
}

package core_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

const secretWord = "Xyzzy-Plugh-4711"

// heard collects everything that the library logs, reports or returns.
type heard struct {
	mu   sync.Mutex
	text strings.Builder
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

// show formats a value with every verb and printer.
func (h *heard) show(values ...any) {
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} { // what cannot be formatted is expanded
			fmt.Fprintf(h, verb+"\n", v)
		}
	}
}

func (h *heard) OnOp(o core.OpInfo)         { h.show(o, o.Err) }
func (h *heard) OnState(c core.StateChange) { h.show(c, c.Cause) }
func (h *heard) OnAcquired(i core.HoldInfo) { h.show(i) }
func (h *heard) OnReleased(i core.HoldInfo) { h.show(i) }
func (h *heard) OnLost(i core.HoldInfo)     { h.show(i, i.Cause) }
func (h *heard) OnSwept(i core.SweptInfo)   { h.show(i) }

// No log, no hook, no error and no value shows a password, whatever happens
// and however it is printed.
func TestSecretsAreNeverShown(t *testing.T) {
	said := new(heard)
	inWorld(t, func(w *world) {
		cfg := func(cfg *core.Config) {
			creator(cfg)
			cfg.Auth = []core.Credential{core.Digest("ann", secretWord), core.AddAuth("ip", []byte(secretWord))}
			log := slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug}))
			said.show(*cfg, cfg, cfg.Auth, cfg.Auth[0], &cfg.Auth[0])
			log.Debug("all of it", "config", *cfg, "auth", cfg.Auth, "one", cfg.Auth[0])
			cfg.Logger, cfg.Hooks = log, []core.Hook{said}
		}
		for _, bad := range []core.Config{
			{Servers: []string{"x:y"}, Auth: []core.Credential{core.Digest("ann", secretWord)}},
			{Servers: []string{"x"}, Auth: []core.Credential{core.AddAuth("digest", []byte(secretWord))}},
			{Servers: []string{"x"}, Auth: []core.Credential{core.AddAuth("", []byte(secretWord))}},
		} {
			_, err := core.Start(bad)
			require.Error(w, err)
			said.show(err)
		}
		p := w.process(cfg)
		said.show(p.session(), p.Manager)
		entry, err := p.session().Enter(w.Context(), "/dir", "lock-", []byte("x"))
		require.NoError(w, err)
		hold, err := entry.Hold(w.Context(), 1)
		require.NoError(w, err)
		said.show(entry, hold)
		for _, code := range []zktest.Code{zktest.CodeNoAuth, zktest.CodeInvalidACL, zktest.CodeAuthFailed, zktest.CodeSystemError} {
			stop := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if r.Op == zktest.OpGetData || r.Op == zktest.OpCreate || r.Op == zktest.OpMulti {
					return zktest.Fail(code)
				}
				return zktest.Pass
			})
			_, _, err := p.Get(w.Context(), "/a")
			said.show(err)
			_, err = p.Create(w.Context(), "/a", nil, core.Ephemeral)
			said.show(err)
			_, err = p.Txn(w.Context(), core.CreateOp("/b", nil, core.Persistent))
			said.show(err)
			stop()
		}
		for range 3 {
			s := p.session()
			p.link.Disconnect()
			require.NoError(w, p.Sync(w.Context(), "/"))
			w.Srv.Expire(s.ID())
			said.show(p.next(s), s.Err())
		}
		said.show(hold.Release(), hold.Err())
		p.link.Cut(zktest.Both)
		ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
		defer cancel()
		_, _, err = p.Get(ctx, "/a")
		require.Error(w, err)
		said.show(err)
		p.link.Heal()

		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpAuth {
				return zktest.Fail(zktest.CodeAuthFailed)
			}
			return zktest.Pass
		})
		refusedConfig := core.Config{Servers: []string{"zk1"}, Dialer: w.Srv.Link().DialContext}
		cfg(&refusedConfig)
		_, err = core.Dial(w.Context(), refusedConfig)
		require.ErrorIs(w, err, core.ErrAuth)
		said.show(err)
	})
	text := said.text.String()
	require.Contains(t, text, "session opened", "the log was on")
	require.Contains(t, text, "the ACL denies access")
	requireSilent(t, text)
}

// passwordForms are the ways in which the password might show.
func passwordForms() []string {
	return []string{
		secretWord, fmt.Sprintf("%x", secretWord), fmt.Sprintf("%X", secretWord), strings.Trim(fmt.Sprint([]byte(secretWord)), "[]"),
		base64.StdEncoding.EncodeToString([]byte(secretWord)), base64.StdEncoding.EncodeToString([]byte("ann:" + secretWord)),
	}
}

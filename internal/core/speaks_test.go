package core_test

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
)

// The tests of this package cause hundreds of warnings, which are not printed.
func init() { slog.SetDefault(slog.New(slog.DiscardHandler)) }

// asDefault makes h the handler of slog.Default until the test ends.
func asDefault(t *testing.T, h slog.Handler) {
	old, output, flags := slog.Default(), log.Writer(), log.Flags()
	slog.SetDefault(slog.New(h))
	t.Cleanup(func() {
		slog.SetDefault(old)
		log.SetOutput(output) // which SetDefault has taken
		log.SetFlags(flags)
	})
}

// handlerFunc is a handler that takes every level.
type handlerFunc func(slog.Record)

func (f handlerFunc) Enabled(context.Context, slog.Level) bool { return true }
func (f handlerFunc) WithAttrs([]slog.Attr) slog.Handler       { return f }
func (f handlerFunc) WithGroup(string) slog.Handler            { return f }
func (f handlerFunc) Handle(_ context.Context, r slog.Record) error {
	f(r)
	return nil
}

// Without a Logger, warnings go to the logger that is the default when they are
// handled. Lines below a warning are not logged, even if the default logger
// accepts them.
func TestDefaultLogger(t *testing.T) {
	inWorld(t, func(w *world) {
		var first, second logbook
		var cfg core.Config
		first.use(&cfg)
		asDefault(w.T, cfg.Logger.Handler())
		p := w.process()
		p.link.Disconnect()
		time.Sleep(time.Minute)
		require.Empty(w, first.take(), "a session that was opened and a connection that came back are no warnings")

		warning := []string{`level=WARN msg="session ended" state=lost cause="the server has expired the session"`}
		w.Srv.Expire(p.session().ID())
		time.Sleep(time.Minute)
		require.Equal(w, warning, first.take())

		second.use(&cfg)
		asDefault(w.T, cfg.Logger.Handler())
		w.Srv.Expire(p.session().ID())
		time.Sleep(time.Minute)
		require.Equal(w, warning, second.take(), "the default logger was changed after Dial")
		require.Empty(w, first.take())
		require.NoError(w, p.Close())
		require.Empty(w, second.take(), "a Close is no warning")
	})
}

// A default logger that accepts only errors gets no warnings.
func TestDefaultLoggerLevel(t *testing.T) {
	inWorld(t, func(w *world) {
		var log logbook
		asDefault(w.T, slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
		p := w.process()
		w.Srv.Expire(p.session().ID())
		time.Sleep(time.Minute)
		require.Empty(w, log.take())
	})
}

// With a Logger that discards, the default logger is not used.
func TestDefaultLoggerSilenced(t *testing.T) {
	inWorld(t, func(w *world) {
		var log logbook
		asDefault(w.T, slog.NewTextHandler(&log, nil))
		p := w.process(func(cfg *core.Config) { cfg.Logger = slog.New(slog.DiscardHandler) })
		w.Srv.Expire(p.session().ID())
		time.Sleep(time.Minute)
		require.Empty(w, log.take())
	})
}

// The handler of the default logger may call the Manager whose line it handles.
// It blocks nothing, because it runs under no lock of the Manager.
func TestDefaultLoggerCallsBack(t *testing.T) {
	inWorld(t, func(w *world) {
		link := w.Srv.Link()
		link.Refuse(true)
		managers := make(chan *core.Manager, 1)
		var failure error
		asDefault(w.T, handlerFunc(func(slog.Record) {
			sm := <-managers
			failure = sm.LastFailure()
			_ = sm.State()
			require.NoError(w, sm.Close())
			managers <- sm
		}))
		sm, err := core.Start(core.Config{Servers: []string{"zk1"}, Dialer: link.DialContext})
		require.NoError(w, err)
		managers <- sm
		time.Sleep(time.Minute)
		select {
		case <-sm.Done():
		default:
			require.Fail(w, "the handler was not called")
		}
		require.ErrorContains(w, failure, "zk1:2181")
	})
}

// A Dial without a session logs the reason within a few seconds, whatever the
// session timeout is, and once for as long as the outage lasts.
func TestDialSpeaks(t *testing.T) {
	hangs := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	refused := errors.New("connection refused")
	missing := &net.DNSError{Err: "no such host", Name: "zk1", IsNotFound: true}
	dial := func(f func(context.Context) error) core.Config {
		return core.Config{Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) { return nil, f(ctx) }}
	}
	lookup := func(f func(context.Context) error) core.Config {
		return core.Config{LookupHost: func(ctx context.Context, _ string) ([]string, error) { return nil, f(ctx) }}
	}
	for name, test := range map[string]struct {
		cfg    core.Config
		reason string
	}{
		"refused":            {dial(func(context.Context) error { return refused }), "connection refused"},
		"unresolved":         {lookup(func(context.Context) error { return missing }), "no such host"},
		"no answer":          {dial(hangs), "no "}, // no answer yet, or within some time
		"no answer by a DNS": {lookup(hangs), ""},
	} {
		for _, timeout := range []time.Duration{time.Second, core.DefaultTimeout, time.Hour} {
			t.Run(name+" "+timeout.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var records []slog.Record
					asDefault(t, handlerFunc(func(r slog.Record) { records = append(records, r) }))
					cfg := test.cfg
					cfg.Servers, cfg.Timeout = []string{"zk1"}, timeout
					begun := time.Now()
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
					defer cancel()
					_, err := core.Dial(ctx, cfg)
					require.ErrorIs(t, err, core.ErrUnreachable)
					synctest.Wait()
					require.Len(t, records, 1)
					require.Equal(t, slog.LevelWarn, records[0].Level)
					require.Equal(t, "no session can be opened", records[0].Message)
					require.LessOrEqual(t, records[0].Time.Sub(begun), 3*time.Second)
					attrs := attributes(records[0])
					require.Equal(t, "zk1:2181", attrs["servers"])
					require.NotEmpty(t, attrs["err"])
					require.Contains(t, attrs["err"], test.reason)
				})
			})
		}
	}
}

// A shorter outage causes no warning: a Dial whose ctx ends first returns the
// reason, and a Manager that has a session again within seconds goes on.
func TestDialSpeaksOfNoHiccup(t *testing.T) {
	inWorld(t, func(w *world) {
		var log logbook
		asDefault(w.T, slog.NewTextHandler(&log, nil))
		link := w.Srv.Link()
		link.Refuse(true)
		cfg := core.Config{Servers: []string{"zk1"}, Dialer: link.DialContext, Timeout: 30 * time.Second}
		_, err := core.Dial(w.Within(2*time.Second), cfg)
		require.ErrorIs(w, err, core.ErrUnreachable)

		sm, err := core.Start(cfg)
		require.NoError(w, err)
		time.Sleep(500 * time.Millisecond) // and until the next dial at most two seconds
		link.Refuse(false)
		_, err = sm.Session(w.Context())
		require.NoError(w, err)
		time.Sleep(time.Minute)

		link.Refuse(true)
		link.Disconnect()
		time.Sleep(4 * time.Second) // the session is trusted for longer, however old its last ping is
		link.Refuse(false)
		time.Sleep(time.Minute)
		require.Equal(w, core.Connected, sm.State())
		require.Empty(w, log.take())

		link.Refuse(true)
		s, err := sm.Session(w.Context())
		require.NoError(w, err)
		w.Srv.Expire(s.ID())
		time.Sleep(time.Hour)
		require.Len(w, log.grep("no session can be opened"), 1, "each spell is told of")
		require.NoError(w, sm.Close())
	})
}

// attributes returns the attributes of a line as they print.
func attributes(r slog.Record) map[string]string {
	attrs := make(map[string]string)
	r.Attrs(func(a slog.Attr) bool {
		attrs[a.Key] = a.Value.String()
		return true
	})
	return attrs
}

package sessiontest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/sessiontest"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An hour takes no time, and each process has a link of its own.
func TestProcessesHaveLinksOfTheirOwn(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		a := w.Process(func(cfg *session.Config) { cfg.Timeout = 6 * time.Second })
		b := w.Process()
		s, err := a.Session(w.Context())
		require.NoError(t, err)
		require.Equal(t, 6*time.Second, s.Timeout)
		time.Sleep(time.Hour)
		require.Equal(t, session.Connected, a.State())

		_, err = a.Create(w.Context(), "/a", []byte("1"), session.Ephemeral)
		require.NoError(t, err)
		a.Link.Cut(zktest.Both)
		w.Eventually(func() bool { return a.State() == session.Lost }, "a has lost its session")
		require.Equal(t, session.Connected, b.State())
		w.Eventually(func() bool { _, found := w.Server.Node("/a"); return !found }, "%s is deleted with the session of a", "/a")
		a.Link.Heal()
		_, err = a.Session(w.Context())
		require.NoError(t, err)
	})
}

func TestExpire(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		p := w.Process()
		before, err := p.Session(w.Context())
		require.NoError(t, err)
		p.Expire()
		w.Eventually(func() bool {
			now, err := p.Session(w.Context())
			require.NoError(t, err)
			return now.ID != before.ID
		}, "the process has another session")
		p.Expire()
	})
}

// The session of a killed process lasts until its timeout on the server, and
// the process loses it before.
func TestKill(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		p := w.Process()
		_, err := p.Create(w.Context(), "/a", nil, session.Ephemeral)
		require.NoError(t, err)
		p.Kill()
		time.Sleep(session.DefaultTimeout - time.Second)
		require.Equal(t, session.Lost, p.State())
		_, found := w.Server.Node("/a")
		require.True(t, found)
		time.Sleep(2 * time.Second)
		_, found = w.Server.Node("/a")
		require.False(t, found)
	})
}

func TestGo(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		failure := errors.New("failure")
		done := make(chan struct{})
		c := w.Go(func(context.Context) error {
			<-done
			return failure
		})
		require.True(t, c.Running())
		close(done)
		require.False(t, c.Running())
		require.Equal(t, failure, c.Wait())

		untilCancelled := func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		require.ErrorIs(t, w.Go(untilCancelled).Cancel(), context.Canceled)
		require.True(t, w.Go(untilCancelled).Running(), "the end of the test ends the call")

		began := time.Now()
		require.NoError(t, w.Go(func(context.Context) error { time.Sleep(time.Minute); return nil }).Wait())
		require.Equal(t, time.Minute, time.Since(began))
	})
}

// The options go to the server.
func TestRun_options(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		s, err := w.Process().Session(w.Context())
		require.NoError(t, err)
		require.Equal(t, 5*time.Second, s.Timeout)
	}, zktest.SessionTimeouts(time.Second, 5*time.Second))
}

package zktest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestReplaceSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		r := rawSession(t, s)
		require.Equal(t, zktest.CodeOK, r.ask(zktest.OpCreate, createOf("/e", 1)).code)
		s.ReplaceSessions(true)
		back := rawDial(t, s)
		require.NoError(t, back.handshake(0, r.id, 10_000, r.pass, true))
		require.NotZero(t, back.id)
		require.NotEqual(t, r.id, back.id)
		require.NotEqual(t, r.pass, back.pass)
		require.Equal(t, []string{"/e"}, s.Paths(), "the session that was asked for lives on")
		require.Equal(t, join(i4(0)), back.ask(zktest.OpGetEphemerals, str("/")).body)

		s.ReplaceSessions(false)
		again := rawDial(t, s)
		require.NoError(t, again.handshake(0, back.id, 10_000, back.pass, true))
		require.Equal(t, back.id, again.id)
		time.Sleep(9 * time.Second)
		require.Equal(t, zktest.CodeOK, again.ask(zktest.OpPing).code)
		time.Sleep(2 * time.Second)
		require.Empty(t, s.Paths())
		require.Len(t, s.Sessions(), 1)
	})
}

func TestOneLinkHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		stuck, well := s.Link(), s.Link()
		before := rawLink(t, stuck)
		stuck.HangHandshakes(true)
		r := rawLinkDial(t, stuck)
		r.write(i4(0), i8(0), i4(10_000), i8(0), i4(16), make([]byte, 16))
		r.silentFor(5*time.Second, "the handshake hangs")
		require.Equal(t, zktest.CodeOK, before.ask(zktest.OpPing).code, "earlier connections are served")
		rawLink(t, well)
		stuck.HangHandshakes(false)
		rawLink(t, stuck)
		r.silentFor(5*time.Second, "the handshake hangs for good")
		require.NoError(t, r.c.Close())
		require.Len(t, s.Sessions(), 3)
	})
}

func TestSlowSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		link := s.Link()
		r := rawLink(t, link)
		link.SlowSessions(3 * time.Second)
		start := time.Now()
		rawSession(t, s)
		back := rawLinkDial(t, link)
		require.NoError(t, back.handshake(0, r.id, 10_000, r.pass, true))
		require.Equal(t, start, time.Now(), "neither another path nor a re-attachment waits")
		rawLink(t, link)
		require.Equal(t, 3*time.Second, time.Since(start))

		impatient := rawLinkDial(t, link)
		impatient.write(i4(0), i8(0), i4(10_000), i8(0), i4(16), make([]byte, 16))
		synctest.Wait()
		require.NoError(t, impatient.c.Close())
		time.Sleep(4 * time.Second)
		require.Len(t, s.Sessions(), 3)
		s.ReplaceSessions(true)
		start = time.Now()
		again := rawLinkDial(t, link)
		require.NoError(t, again.handshake(0, r.id, 10_000, r.pass, true))
		require.Equal(t, 3*time.Second, time.Since(start), "a handshake that opens a session waits")
	})
}

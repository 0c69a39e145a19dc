//go:build unix

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestLock_runsCommandAndReturnsItsCode(t *testing.T) {
	server := zktest.New(t)
	for _, code := range []int{0, 3, 255} {
		got, _, stderr := docent(t, words("lock /l", self(strconv.Itoa(code))...), on(server), role("exit"))
		require.Equal(t, code, got)
		require.Empty(t, stderr)
	}
	require.Empty(t, server.Sessions(), "nothing is left behind")
}

func TestLock_tellsPathAndGrowingToken(t *testing.T) {
	server := zktest.New(t)
	var last int64
	for range 3 {
		code, out, _ := docent(t, words("lock /app/l", self()...), on(server), role("env"), env("DOCENT_TOKEN=1", "DOCENT_PATH=/x"))
		require.Zero(t, code)
		fields := strings.Fields(out)
		require.Equal(t, "/app/l", fields[0])
		token, err := strconv.ParseInt(fields[1], 10, 64)
		require.NoError(t, err)
		require.Greater(t, token, last)
		last = token
	}
}

// CMD's environment has the sessions under which it runs. A docent lock below
// CMD writes them into its node.
func TestLock_underOthers(t *testing.T) {
	server := zktest.New(t)
	code, out, _ := docent(t, words("lock /a", self()...), on(server), role("sessions"), env("DOCENT_SESSIONS=0x1 0x7fffffffffffffff"))
	require.Zero(t, code)
	require.Regexp(t, `^0x1 0x7fffffffffffffff 0x[0-9a-f]+\n$`, out)
	for i, mode := range []string{"", "--mode write", "--mode read", "--mode one-node", "--permits 1"} {
		path := fmt.Sprint("/l", i)
		holder := start(t, words("lock "+path+" "+mode, self()...), on(server), role("signals"), env("DOCENT_SESSIONS=0x1 0x2"))
		require.Contains(t, holder.line(), "ready")
		code, out, stderr := docent(t, words("inspect --json "+path), on(server))
		require.Zero(t, code, stderr)
		require.Contains(t, out, `"under":["0x1","0x2"]`, mode)
		holder.kill(syscall.SIGTERM)
		holder.wait()
	}
	code, _, stderr := docent(t, words("lock /l", self("0")...), on(server), role("exit"), env("DOCENT_SESSIONS=0x1 rm -rf"))
	require.Equal(t, 2, code)
	require.Equal(t, "docent: DOCENT_SESSIONS: \"rm\" is not a session id; docent sets the variable for CMD: unset it\n", stderr)
}

// A nested lock that waits for the one above it is told so; one that gets the
// lock, or waits for others too, is not.
func TestLock_waitsForItself(t *testing.T) {
	t.Parallel()
	server := zktest.New(t)
	for i, c := range []struct {
		outer, inner string
		waits        bool
	}{
		{"", "", true},
		{"--mode one-node", "--mode one-node", true},
		{"--mode write", "--mode read", true},
		{"--mode read", "--mode write", true},
		{"--mode read", "--mode read", false},
		{"--permits 1", "--permits 1", true},
		{"--permits 2", "--permits 2", false},
	} {
		path := fmt.Sprint("/self", i)
		before := server.Sessions()
		holder := start(t, words("lock "+path+" "+c.outer, self()...), on(server), role("signals"))
		require.Contains(t, holder.line(), "ready")
		above := server.Sessions()[len(before)].ID
		inner := words("lock "+path+" "+c.inner, self("0")...)
		below := start(t, inner, on(server), role("exit"), env(fmt.Sprintf("DOCENT_SESSIONS=0x1 0x%x", uint64(above))))
		if c.waits {
			require.Eventually(t, func() bool { return strings.HasSuffix(below.stderr.String(), "\n") }, patience, ms)
			below.kill(syscall.SIGTERM)
		}
		code, _ := below.wait()
		stderr := below.stderr.String()
		if c.waits {
			require.Equal(t, 143, code)
			require.Contains(t, stderr, "docent: lock "+path+": held ")
			require.Contains(t, stderr, "the holder has started this command; if it waits for this command to end, neither goes on\n")
		} else {
			require.Zero(t, code)
			require.Empty(t, stderr)
		}
		_, _, stderr = docent(t, append(words("lock --wait 100ms"), inner[1:]...), on(server), role("exit"), env("DOCENT_SESSIONS=0x1"))
		require.NotContains(t, stderr, "neither goes on", "it is not below the holder")
		holder.kill(syscall.SIGTERM)
		holder.wait()
	}
}

func TestLock_held(t *testing.T) {
	server := zktest.New(t)
	holder := start(t, words("lock /l", self()...), on(server), role("signals"))
	require.Contains(t, holder.line(), "ready")
	for _, c := range []struct{ flags, line string }{
		{"--try", ": not acquired at once; wait for it with --wait\n"},
		{"--wait 0s", ": not acquired at once; wait for it with --wait\n"},
		{"--wait 50ms", ": not acquired within 50ms; raise --wait, or try again later\n"},
	} {
		code, _, stderr := docent(t, words("lock /l "+c.flags, self("0")...), on(server), role("exit"))
		require.Equal(t, 75, code)
		require.Contains(t, stderr, "docent: lock /l: held by ")
		require.Contains(t, stderr, "(pid "+strconv.Itoa(os.Getpid())+" on ")
		require.True(t, strings.HasSuffix(stderr, c.line), stderr)
		require.Equal(t, 1, strings.Count(stderr, "\n"))
	}
	holder.kill(syscall.SIGTERM)
	code, rest := holder.wait()
	require.Equal(t, 7, code)
	require.Equal(t, []string{"terminated"}, rest)
}

func TestLock_waitsForItsTurn(t *testing.T) {
	server := zktest.New(t)
	first := start(t, words("lock /l", self()...), on(server), role("signals"))
	require.Contains(t, first.line(), "ready")
	second := start(t, words("lock /l --wait 1m", self()...), on(server), role("signals"))
	awaitEphemerals(t, server, 2)
	first.kill(syscall.SIGTERM)
	require.Contains(t, second.line(), "ready", "the first has released the lock after its CMD has ended")
	second.kill(syscall.SIGTERM)
	code, _ := second.wait()
	require.Equal(t, 7, code)
}

func TestLock_interruptedWait(t *testing.T) {
	server := zktest.New(t)
	holder := start(t, words("lock /l", self()...), on(server), role("signals"))
	require.Contains(t, holder.line(), "ready")
	for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 129} {
		waiter := start(t, words("lock /l", self("0")...), on(server), role("exit"))
		awaitEphemerals(t, server, 2)
		waiter.kill(syscall.SIGUSR1) // which ends nothing
		waiter.kill(sig)
		code, _ := waiter.wait()
		require.Equal(t, want, code)
		require.Contains(t, waiter.stderr.String(), "docent: lock /l: interrupted by signal ")
		require.Len(t, server.Sessions(), 1, "the waiter's node went with its session")
		require.Len(t, server.Sessions()[0].Ephemerals, 1)
	}
	holder.kill(syscall.SIGTERM)
	holder.wait()
}

func TestLock_passesSignalsOn(t *testing.T) {
	server := zktest.New(t)
	d := start(t, words("lock /l", self()...), on(server), role("signals"))
	require.Contains(t, d.line(), "ready")
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2} {
		d.kill(sig)
		require.Equal(t, sig.String(), d.line())
	}
	d.kill(syscall.SIGTERM)
	code, rest := d.wait()
	require.Equal(t, 7, code)
	require.Equal(t, []string{"terminated"}, rest)
}

func TestLock_holdLost(t *testing.T) {
	lose := map[string]struct {
		how   func(*zktest.Server) error
		cause string
	}{
		"expired": {func(s *zktest.Server) error {
			s.Expire(s.Sessions()[0].ID)
			return nil
			// The server sends the expiry and the event of the deleted node in
			// either order.
		}, "(the server has expired the session|the znode of the hold is gone: another client has deleted it, or its session has ended)"},
		"deleted": {func(s *zktest.Server) error {
			return s.Remove(s.Sessions()[0].Ephemerals[0])
		}, "the znode of the hold is gone: another client has deleted it, or its session has ended"},
	}
	for name, c := range lose {
		t.Run(name, func(t *testing.T) {
			server := zktest.New(t)
			d := start(t, words("lock /l", self()...), on(server), role("signals"))
			require.Contains(t, d.line(), "ready")
			require.NoError(t, c.how(server))
			code, rest := d.wait()
			require.Equal(t, 79, code)
			require.Contains(t, rest, "terminated")
			require.Regexp(t, `^docent: lock /l: the hold was lost while CMD ran: `+c.cause+`: CMD was stopped \(code 7\); CMD's last `+
				"writes may overlap with the next holder's: have the store that CMD writes to compare DOCENT_TOKEN\n$", d.stderr.String())
		})
	}
}

func TestLock_holdLost_killsAfterGrace(t *testing.T) {
	server := zktest.New(t)
	d := start(t, words("lock /l --grace 1ms", self()...), on(server), role("stubborn"))
	require.Contains(t, d.line(), "ready")
	server.Expire(only(t, server))
	code, _ := d.wait()
	require.Equal(t, 79, code)
	require.Contains(t, d.stderr.String(), "CMD was stopped (code 137)")
}

func TestLock_holderCutOff_endsBeforeTheNextBegins(t *testing.T) {
	server := zktest.New(t, zktest.Tick(100*ms), zktest.SessionTimeouts(1000*ms, time.Minute))
	await := countCreates(t, server, "/l")
	link := server.Link()
	d := start(t, words("lock /l --timeout 1s", self()...), role("signals"), func(env *environment) { env.dial = link.DialContext })
	token := tokenOf(t, d.line())
	next := start(t, words("lock /l --timeout 1m", self()...), on(server), role("signals"))
	await(2)
	link.Cut(zktest.ToServer)
	require.Equal(t, "terminated", d.line(), "the holder's CMD")
	require.Greater(t, tokenOf(t, next.line()), token)
	link.Heal()
	code, _ := d.wait()
	require.Equal(t, 79, code)
	next.kill(syscall.SIGTERM)
	next.wait()
}

func TestLock_cannotStart(t *testing.T) {
	server := zktest.New(t)
	code, _, stderr := docent(t, words("lock /l -- docent-no-such-command"), on(server))
	require.Equal(t, 127, code)
	require.Equal(t, "docent: lock /l: command \"docent-no-such-command\" was not found\n", stderr)
	require.Zero(t, server.Count(zktest.OpConnect), "it was not even connected")
	code, _, stderr = docent(t, words("lock /l --", t.TempDir()), on(server))
	require.Equal(t, 126, code)
	require.Contains(t, stderr, "cannot be executed: ")
}

func TestLock_zooKeeperGoesWhileWaiting(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		held(w)
		link := w.Srv.Link()
		cut := time.AfterFunc(150*ms, func() { link.Cut(zktest.Both) })
		defer cut.Stop()
		code, stderr := runIn(w, link, "lock /l --wait 300ms -- true")
		require.Equal(w, 69, code)
		require.Contains(w, stderr, "lock /l: ZooKeeper has not answered since ")
	})
}

func TestLock_try_zooKeeperGoes(t *testing.T) {
	server := zktest.New(t)
	server.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpGetChildren2 {
			return zktest.DropRequest.Silent()
		}
		return zktest.Pass
	})
	code, _, stderr := docent(t, words("--connect-timeout 200ms lock /l --try", self("0")...), on(server), role("exit"))
	require.Equal(t, 69, code)
	require.Contains(t, stderr, "no server could be reached within 200ms")
}

// A CMD that ends at the very moment at which docent is continued must not be
// taken for one that was protected to its end.
func TestLossOf_looksAtTheClock(t *testing.T) {
	server := zktest.New(t)
	link := server.Link()
	sm, err := session.Dial(t.Context(), session.Config{Servers: []string{"zk1"}, Dialer: link.DialContext})
	require.NoError(t, err)
	defer sm.Close()
	hold, err := lock.NewMutex(sm, "/l").Lock(t.Context())
	require.NoError(t, err)
	require.NoError(t, lossOf(&hold.Hold, time.Now()))
	require.ErrorIs(t, lossOf(&hold.Hold, hold.Deadline().Add(time.Minute)), session.ErrTrustElapsed)
	require.NoError(t, hold.Release())
	require.NoError(t, lossOf(&hold.Hold, time.Now()), "a hold that was released was not lost")
}

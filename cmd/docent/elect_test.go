//go:build unix

package main

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestElect_once(t *testing.T) {
	server := zktest.New(t)
	code, _, stderr := docent(t, words("elect /e --once", self("6")...), on(server), role("exit"))
	require.Equal(t, 6, code)
	require.Empty(t, stderr)
	code, out, _ := docent(t, words("elect /e --once --id host-7", self()...), on(server), role("env"))
	require.Zero(t, code)
	require.Regexp(t, `^/e \d+ host-7\n$`, out)
	require.Empty(t, server.Sessions())
}

func TestElect_once_lost(t *testing.T) {
	server := zktest.New(t)
	d := start(t, words("elect /e --once", self()...), on(server), role("signals"))
	require.Contains(t, d.line(), "ready")
	server.Expire(only(t, server))
	code, rest := d.wait()
	require.Equal(t, 79, code)
	require.Contains(t, rest, "terminated")
}

func TestElect_campaignsAgain(t *testing.T) {
	server := zktest.New(t)
	d := start(t, words("elect /e", self()...), on(server), role("signals"))
	token := tokenOf(t, d.line())

	d.kill(syscall.SIGHUP) // is passed on
	require.Equal(t, "hangup", d.line())

	server.Expire(only(t, server))
	require.Equal(t, "terminated", d.line(), "CMD is stopped before the next is started")
	again := tokenOf(t, d.line())
	require.Greater(t, again, token)
	require.Contains(t, d.stderr.String(), "docent: elect /e: the hold was lost while CMD ran: ")

	d.kill(syscall.SIGTERM)
	code, rest := d.wait()
	require.Equal(t, 143, code)
	require.Equal(t, []string{"terminated"}, rest)
	require.Contains(t, d.stderr.String(), "docent: elect /e: resigned, and CMD ended with code 7: interrupted by signal 15 (terminated)\n")
	require.Empty(t, server.Sessions())
}

func TestElect_commandThatFailsIsRunAgainAfterAPause(t *testing.T) {
	server := zktest.New(t)
	d := start(t, words("elect /e", self()...), on(server), role("env"))
	first, second := d.line(), d.line()
	require.NotEqual(t, first, second, "a new term has a new token")
	d.kill(syscall.SIGTERM)
	code, _ := d.wait()
	require.Equal(t, 143, code)
	require.Contains(t, d.stderr.String(), "docent: elect /e: CMD ended with code 0; campaigning again\n")
}

func TestElect_interruptedWhileItCampaigns(t *testing.T) {
	server := zktest.New(t)
	leader := start(t, words("elect /e", self()...), on(server), role("signals"))
	require.Contains(t, leader.line(), "ready")
	other := start(t, words("elect /e", self()...), on(server), role("signals"))
	awaitEphemerals(t, server, 2)
	other.kill(syscall.SIGINT)
	code, rest := other.wait()
	require.Equal(t, 130, code)
	require.Empty(t, rest, "its CMD never ran")
	leader.kill(syscall.SIGINT)
	require.Equal(t, "interrupt", leader.line())
	leader.kill(syscall.SIGTERM) // the CMD of this test takes no notice of SIGINT
	code, _ = leader.wait()
	require.Equal(t, 130, code, "the first signal counts")
}

func TestElect_stopsACommandThatIgnoresSignals(t *testing.T) {
	server := zktest.New(t)
	d := start(t, words("elect /e --grace 1ms", self()...), on(server), role("stubborn"))
	require.Contains(t, d.line(), "ready")
	d.kill(syscall.SIGTERM)
	code, _ := d.wait()
	require.Equal(t, 143, code)
	require.Contains(t, d.stderr.String(), "CMD ended with code 137")
}

func TestElect_cannotStart(t *testing.T) {
	code, _, stderr := docent(t, words("elect /e -- docent-no-such-command"))
	require.Equal(t, 127, code)
	require.Contains(t, stderr, "docent: elect /e: command ")
}

func TestLeader(t *testing.T) {
	server := zktest.New(t)
	code, out, stderr := docent(t, words("leader /e"), on(server))
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Equal(t, "docent: leader /e: no leader; no candidate campaigns there with --layout latch: check the path, and the root in --servers\n", stderr)

	d := start(t, words("elect /e --id host-7", self()...), on(server), role("signals"))
	require.Contains(t, d.line(), "ready")
	code, out, _ = docent(t, words("leader /e"), on(server))
	require.Zero(t, code)
	require.Equal(t, "host-7\n", out)
	code, out, _ = docent(t, words("--json leader /e"), on(server))
	require.Zero(t, code)
	require.Regexp(t, `^\{"vacant":false,"id":"host-7","token":\d+,"since":"20[^"]+Z","session":"0x[0-9a-f]+"\}\n$`, out)
	d.kill(syscall.SIGTERM)
	d.wait()

	d = start(t, words("elect /one --layout one-node --id host-8", self()...), on(server), role("signals"))
	require.Contains(t, d.line(), "ready")
	_, out, _ = docent(t, words("--json leader /one --layout one-node"), on(server))
	require.Regexp(t, `"since":"(20[^"]+Z)","leadingSince":"20[^"]+Z","session":"0x[0-9a-f]+"\}\n$`, out)
	d.kill(syscall.SIGTERM)
	d.wait()
}

func TestLeader_watch(t *testing.T) {
	server := zktest.New(t)
	text := start(t, words("leader /e --watch"), on(server))
	object := start(t, words("leader /e --watch --json"), on(server))
	require.Equal(t, "no leader", text.line())
	require.Equal(t, `{"vacant":true}`, object.line())
	for range 2 {
		d := start(t, words("elect /e --id host-7", self()...), on(server), role("signals"))
		require.Equal(t, "leader host-7", text.line())
		require.Contains(t, object.line(), `"id":"host-7"`)
		require.Contains(t, d.line(), "ready")
		d.kill(syscall.SIGTERM)
		d.wait()
		require.Equal(t, "no leader", text.line())
		require.Equal(t, `{"vacant":true}`, object.line())
	}
	server.Restart() // which changes nothing
	text.kill(syscall.SIGINT)
	object.kill(syscall.SIGTERM)
	for _, watch := range []*invocation{text, object} {
		code, rest := watch.wait()
		require.Zero(t, code)
		require.Empty(t, rest)
	}
}

// In the one-node layout the next leader's node has the path of the one before.
func TestLeader_watchOneNode(t *testing.T) {
	server := zktest.New(t)
	sm := manager(t, server)
	_, err := sm.Create(t.Context(), "/e", []byte("a"), session.Ephemeral)
	require.NoError(t, err)
	text := start(t, words("leader /e --watch --layout one-node"), on(server))
	object := start(t, words("leader /e --watch --layout one-node --json"), on(server))
	require.Equal(t, "leader a", text.line())
	require.Contains(t, object.line(), `"id":"a"`)
	// The transaction replaces the leader: the election is never vacant.
	_, err = sm.Txn(t.Context(), session.DeleteOp("/e", session.AnyVersion), session.CreateOp("/e", []byte("b"), session.Ephemeral))
	require.NoError(t, err)
	require.Equal(t, "leader b", text.line())
	require.Contains(t, object.line(), `"id":"b"`)
	// The leader writes another name into its node.
	require.NoError(t, server.Put("/e", []byte("c")))
	require.Equal(t, "leader c", text.line())
	require.Contains(t, object.line(), `"id":"c"`)
	// After a disconnection the same leader is not told again.
	server.Restart()
	require.NoError(t, server.Put("/e", []byte("d")))
	require.Equal(t, "leader d", text.line())
	require.Contains(t, object.line(), `"id":"d"`)
	for _, watch := range []*invocation{text, object} {
		watch.kill(syscall.SIGTERM)
		code, rest := watch.wait()
		require.Zero(t, code)
		require.Empty(t, rest)
	}
}

// The server throttles: CMD runs in one term after the other, and no
// candidate's node of an old term is in the way.
func TestFault09_ElectOnAThrottledServer(t *testing.T) {
	server := zktest.New(t)
	seen := make(map[zktest.Op]int)
	server.Intercept(func(r zktest.Request) zktest.Action {
		if seen[r.Op]++; seen[r.Op]%2 == 1 && (r.Op == zktest.OpDelete || r.Op == zktest.OpCreate || r.Op == zktest.OpMulti) {
			return zktest.Fail(zktest.CodeThrottledOp)
		}
		return zktest.Pass
	})
	d := start(t, words("elect /e", self()...), on(server), role("env"))
	terms := make(map[string]bool)
	for range 3 {
		terms[d.line()] = true
	}
	require.Len(t, terms, 3, "each term has a token of its own")
	d.kill(syscall.SIGTERM)
	code, _ := d.wait()
	require.Equal(t, 143, code)
}

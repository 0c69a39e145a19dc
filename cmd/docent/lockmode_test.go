//go:build unix

package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// tries runs lock --try, and demands its code and what it says of the holder.
func tries(t *testing.T, server *zktest.Server, flags string, code int, says string) {
	t.Helper()
	got, _, stderr := docent(t, words("lock /l --try "+flags, self("0")...), on(server), role("exit"))
	require.Equal(t, code, got, stderr)
	if says == "" {
		require.Empty(t, stderr)
		return
	}
	require.Regexp(t, says, stderr)
	require.Equal(t, 1, strings.Count(stderr, "\n"))
}

func holding(t *testing.T, server *zktest.Server, flags string) *invocation {
	t.Helper()
	p := start(t, words("lock /l "+flags, self()...), on(server), role("signals"))
	require.Contains(t, p.line(), "ready")
	return p
}

func end(t *testing.T, p *invocation) {
	t.Helper()
	p.kill(syscall.SIGTERM)
	code, _ := p.wait()
	require.Equal(t, 7, code)
}

func TestLock_readersAndAWriter(t *testing.T) {
	server := zktest.New(t)
	first, second := holding(t, server, "--mode read"), holding(t, server, "--mode read")
	tries(t, server, "--mode read", 0, "")
	tries(t, server, "--mode write", 75,
		`^docent: lock /l: held for reading by \S+ \(pid \d+ on \S+\), queued at .* and by one more: not acquired at once; wait for it with --wait\n$`)
	writer := start(t, words("lock /l --mode write --wait 1m", self()...), on(server), role("signals"))
	awaitEphemerals(t, server, 3)
	tries(t, server, "--mode read", 75, `held for reading by .* while a writer waits: not acquired at once`)
	end(t, first)
	end(t, second)
	require.Contains(t, writer.line(), "ready")
	code, _, stderr := docent(t, words("lock /l --mode read --wait 50ms", self("0")...), on(server), role("exit"))
	require.Equal(t, 75, code)
	require.Regexp(t, `^docent: lock /l: held for writing by .*: not acquired within 50ms; raise --wait, or try again later\n$`, stderr)
	end(t, writer)
	tries(t, server, "--mode write", 0, "")
}

func TestLock_oneNode(t *testing.T) {
	server := zktest.New(t)
	p := holding(t, server, "--mode one-node")
	node, found := server.Node("/l")
	require.True(t, found)
	require.NotZero(t, node.Stat.EphemeralOwner)
	tries(t, server, "--mode one-node", 75, `^docent: lock /l: held by \S+ \(pid \d+ on \S+\) since .*: not acquired at once; wait for it with --wait\n$`)
	next := start(t, words("lock /l --mode one-node", self()...), on(server), role("signals"))
	end(t, p)
	require.Contains(t, next.line(), "ready")
	require.NoError(t, server.Remove("/l"))
	code, _ := next.wait()
	require.Equal(t, 79, code)
	require.NoError(t, server.Put("/l", nil))
	tries(t, server, "--mode one-node", 1,
		`^docent: lock /l: the znode is not ephemeral.*; or give --mode one-node a path of its own\n$`)
}

func TestLock_holdLostInEachMode(t *testing.T) {
	for _, mode := range []string{"one-node", "read", "write"} {
		t.Run(mode, func(t *testing.T) {
			server := zktest.New(t)
			p := holding(t, server, "--mode "+mode)
			require.NoError(t, server.Remove(server.Sessions()[0].Ephemerals[0]))
			code, _ := p.wait()
			require.Equal(t, 79, code)
			require.Contains(t, p.stderr.String(), "the hold was lost while CMD ran: the znode of the hold is gone: another client has deleted it")
		})
	}
}

//go:build unix

package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestLock_permits(t *testing.T) {
	server := zktest.New(t)
	first, second := holding(t, server, "--permits 2"), holding(t, server, "--permits 2")
	tries(t, server, "--permits 2", 75,
		`^docent: lock /l: held by \S+ \(pid \d+ on \S+\), queued at .* and by one more: not acquired at once; wait for it with --wait\n$`)
	third := start(t, words("lock /l --permits 2 --wait 1m", self()...), on(server), role("signals"))
	awaitEphemerals(t, server, 4) // two leases, and the place and the lease of the one that waits
	end(t, first)
	require.Contains(t, third.line(), "ready")
	end(t, second)
	end(t, third)
	require.Empty(t, server.Sessions(), "nothing is left behind")

	code, out, _ := docent(t, words("lock /app/l --permits 3", self()...), on(server), role("env"))
	require.Zero(t, code)
	fields := strings.Fields(out)
	require.Equal(t, "/app/l", fields[0])
	token, err := strconv.ParseInt(fields[1], 10, 64)
	require.NoError(t, err)
	require.Positive(t, token)
}

func TestLock_permitsUsage(t *testing.T) {
	server := zktest.New(t)
	for flags, says := range map[string]string{
		"--permits 0":             "--permits 0 is too small; give 1",
		"--permits=-1":            "--permits -1 is too small; give 1",
		"--permits 2 --mode read": "--permits and --mode read exclude each other",
		"--permits many":          "--permits",
	} {
		code, _, stderr := docent(t, words("lock /l "+flags, self("0")...), on(server), role("exit"))
		require.Equal(t, 2, code)
		require.Contains(t, stderr, says)
		require.Equal(t, 1, strings.Count(stderr, "\n"))
	}
	require.Empty(t, server.Paths())
}

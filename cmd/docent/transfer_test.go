//go:build unix

package main

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestLeader_transfer(t *testing.T) {
	for _, layout := range []string{"latch", "selector"} {
		server := zktest.New(t)
		var all []*invocation
		for i, name := range []string{"ann", "ben", "cleo"} {
			all = append(all, start(t, words("elect /e --id "+name+" --layout "+layout, self()...), on(server), role("signals")))
			awaitEphemerals(t, server, i+1)
		}
		ann, cleo := all[0], all[2]
		token := tokenOf(t, ann.line())

		code, out, stderr := docent(t, words("leader /e --transfer cleo --layout "+layout), on(server))
		require.Zero(t, code, stderr)
		require.Equal(t, "cleo\n", out)
		require.Greater(t, tokenOf(t, cleo.line()), token)
		require.Equal(t, "terminated", ann.line(), "its CMD was stopped before")

		// ann stands in line again after a pause, and leads when it is named.
		awaitEphemerals(t, server, 3)
		code, out, stderr = docent(t, words("--json leader /e --transfer ann --layout "+layout), on(server))
		require.Zero(t, code, stderr)
		require.Contains(t, out, `"id":"ann"`)
		require.Contains(t, ann.line(), "ready")
		require.Contains(t, ann.stderr.String(), "docent: elect /e: the leadership was transferred, CMD was stopped (code 7); campaigning again\n")
		for _, d := range all {
			d.kill(syscall.SIGTERM)
			code, _ := d.wait()
			require.Equal(t, 143, code)
		}
		require.Empty(t, server.Sessions())
	}
}

func TestLeader_transfer_once(t *testing.T) {
	server := zktest.New(t)
	ann := start(t, words("elect /e --once --id ann", self()...), on(server), role("signals"))
	require.Contains(t, ann.line(), "ready")
	ben := start(t, words("elect /e --id ben", self()...), on(server), role("signals"))
	awaitEphemerals(t, server, 2)
	code, _, stderr := docent(t, words("leader /e --transfer ben"), on(server))
	require.Zero(t, code, stderr)
	code, _ = ann.wait()
	require.Equal(t, exitRevoked, code)
	require.Equal(t, "docent: elect /e: the leadership was transferred: CMD was stopped (code 7), and this candidate does not campaign again\n",
		ann.stderr.String())
	require.Contains(t, ben.line(), "ready")
	ben.kill(syscall.SIGTERM)
	ben.wait()
}

func TestLeader_transfer_fails(t *testing.T) {
	server := zktest.New(t)
	code, _, stderr := docent(t, words("leader /e --transfer ben"), on(server))
	require.Equal(t, 1, code)
	require.Equal(t, "docent: leader /e: transfer to \"ben\": there is no such candidate; the election has no candidates\n", stderr)

	sm, err := session.Dial(t.Context(), session.Config{Servers: []string{"zk1"}, Dialer: server.DialContext})
	require.NoError(t, err)
	defer sm.Close()
	_, err = election.New(sm, "/e", election.ID("ann")).Campaign(t.Context()) // and does not look
	require.NoError(t, err)
	ben := start(t, words("elect /e --id ben", self()...), on(server), role("signals"))
	awaitEphemerals(t, server, 2)
	code, _, stderr = docent(t, words("leader /e --transfer ben --wait 200ms"), on(server))
	require.Equal(t, 75, code)
	require.Equal(t, "docent: leader /e: transfer to \"ben\": the present leader has not resigned within 200ms; "+
		"it stays the leader: print it with \"docent leader\", and raise --wait if it needs longer\n", stderr)
	code, _, stderr = docent(t, words("leader /e --transfer nobody"), on(server))
	require.Equal(t, 1, code)
	require.Contains(t, stderr, `there is no such candidate; the candidates are "ann", "ben"`)
	awaitEphemerals(t, server, 2) // no transfer request is left

	waiting := start(t, words("leader /e --transfer ben"), on(server))
	awaitEphemerals(t, server, 3)
	waiting.kill(syscall.SIGINT)
	code, _ = waiting.wait()
	require.Equal(t, 130, code)
	require.NoError(t, sm.Close())
	require.Contains(t, ben.line(), "ready", "the transfer request had been withdrawn")
	ben.kill(syscall.SIGTERM)
	ben.wait()
}

func TestElect_oneNode(t *testing.T) {
	server := zktest.New(t)
	ann := start(t, words("elect /master --layout one-node --id 10.0.0.7:80", self()...), on(server), role("signals"))
	require.Contains(t, ann.line(), "ready")
	node, found := server.Node("/master")
	require.True(t, found)
	require.Equal(t, "10.0.0.7:80", string(node.Data))
	code, out, _ := docent(t, words("leader /master --layout one-node"), on(server))
	require.Zero(t, code)
	require.Equal(t, "10.0.0.7:80\n", out)
	ann.kill(syscall.SIGTERM)
	ann.wait()
}

func TestLeader_usage(t *testing.T) {
	for args, want := range map[string]string{
		"leader /e --transfer a --watch":              "exclude each other",
		"leader /e --transfer a --wait 0s":            "is not above zero",
		"leader /e --transfer a --layout one-node":    "a queue of candidates",
		"leader /e --layout x":                        "--layout",
		fmt.Sprintf("elect /e --layout x -- %s", "x"): "--layout",
	} {
		code, _, stderr := docent(t, words(args))
		require.Equal(t, 2, code, args)
		require.Contains(t, stderr, want, args)
	}
}

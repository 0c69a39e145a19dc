//go:build unix

package main

import (
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestBarrier_gate(t *testing.T) {
	server := zktest.New(t)
	for _, c := range []struct {
		line, out, stderr string
		code              int
	}{
		{line: "barrier wait /b/gate"},
		{line: "barrier set /b/gate"},
		{line: "barrier set /b/gate --json", out: `{"path":"/b/gate","set":true}` + "\n"},
		{line: "barrier wait /b/gate --wait 20ms", code: 75,
			stderr: "docent: barrier wait /b/gate: the gate is set: not through within 20ms; raise --wait, or try again later\n"},
		{line: "barrier lift /b/gate --json", out: `{"path":"/b/gate","set":false}` + "\n"},
		{line: "barrier lift /b/gate"},
		{line: "barrier wait /b/gate --wait 20ms --json", out: `{"path":"/b/gate","set":false}` + "\n"},
		{line: "barrier wait gate", code: 2, stderr: `docent: barrier wait gate: `},
		{line: "barrier wait /b --wait=-1s", code: 2, stderr: `docent: barrier wait: --wait -1s is negative`},
	} {
		code, out, stderr := docent(t, words(c.line), on(server))
		require.Equal(t, c.code, code, c.line)
		require.Equal(t, c.out, out, c.line)
		require.True(t, strings.HasPrefix(stderr, c.stderr), "%s: %s", c.line, stderr)
		require.Equal(t, c.stderr == "", stderr == "", stderr)
	}
}

func TestBarrier_waitIsWokenOrInterrupted(t *testing.T) {
	server := zktest.New(t)
	require.NoError(t, server.Put("/gate", nil))
	interruptedOne := start(t, words("barrier wait /gate"), on(server))
	interruptedOne.kill(syscall.SIGTERM)
	code, _ := interruptedOne.wait()
	require.Equal(t, 143, code)
	waiter := start(t, words("barrier wait /gate"), on(server))
	code, _, _ = docent(t, words("barrier lift /gate"), on(server))
	require.Zero(t, code)
	code, _ = waiter.wait()
	require.Zero(t, code)
}

func TestBarrier_enter(t *testing.T) {
	server := zktest.New(t, zktest.SessionTimeouts(1, 0))
	first := start(t, words("barrier enter /b --count 2 --id a", self()...), on(server), role("signals"))
	awaitEphemerals(t, server, 1)
	code, _, stderr := docent(t, words("barrier enter /b --count 2 --id a --timeout 200ms", self("0")...), on(server), role("exit"))
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "the id is in use: a member with the id \"a\" of process ")
	require.Regexp(t, `is at the barrier, and session 0x[0-9a-f]+ holds it; choose another id, or end its process: the id is free when that session has ended\n$`, stderr)
	second := start(t, words("barrier enter /b --count 2 --id b", self("5")...), on(server), role("exit"))
	token := tokenOf(t, first.line())
	require.Positive(t, token)
	first.kill(syscall.SIGTERM)
	code, rest := first.wait()
	require.Equal(t, 7, code)
	require.Equal(t, []string{"terminated"}, rest)
	code, _ = second.wait()
	require.Equal(t, 5, code)
	info, _ := server.Node("/b")
	require.Empty(t, info.Children)
}

func TestBarrier_enter_notInTimeOrFull(t *testing.T) {
	server := zktest.New(t)
	code, _, stderr := docent(t, words("barrier enter /b --count 2 --wait 20ms", self("0")...), on(server), role("exit"))
	require.Equal(t, 75, code)
	require.Equal(t, "docent: barrier enter /b: fewer than 2 members have entered: not through within 20ms; raise --wait, or try again later\n", stderr)
	inside := start(t, words("barrier enter /b --count 1", self()...), on(server), role("signals"))
	require.Contains(t, inside.line(), "ready")
	code, _, stderr = docent(t, words("barrier enter /b --count 1", self("0")...), on(server), role("exit"))
	require.Equal(t, 75, code)
	require.Contains(t, stderr, "all 1 places are taken")
	server.Expire(only(t, server))
	code, _ = inside.wait()
	require.Equal(t, 79, code)
	require.Contains(t, inside.stderr.String(), "the hold was lost while CMD ran")
}

func TestBarrier_enter_usage(t *testing.T) {
	for line, reason := range map[string]string{
		"barrier enter /b":                       "--count",
		"barrier enter /b --count 0":             "--count 0 is out of range; give 1 to 4096",
		"barrier enter b --count 2":              "relative",
		"barrier enter /b --count 2 --wait=-1s":  "--wait -1s is negative",
		"barrier enter /b --count 2 --grace=-1s": "--grace -1s is negative",
	} {
		code, _, stderr := docent(t, words(line, self("0")...), role("exit"))
		require.Equal(t, 2, code, line)
		require.Contains(t, stderr, reason)
	}
	code, _, _ := docent(t, words("barrier enter /b --count 2 -- docent-no-such-command"))
	require.Equal(t, 127, code)
}

func TestBarrier_leavesTogether(t *testing.T) {
	server := zktest.New(t)
	var members []*invocation
	for i := range 3 {
		members = append(members, start(t, words("barrier enter /b --count 3 --id "+strconv.Itoa(i), self()...), on(server), role("signals")))
	}
	for _, m := range members {
		require.Contains(t, m.line(), "ready")
	}
	members[0].kill(syscall.SIGTERM)
	require.Equal(t, "terminated", members[0].line())
	awaitEphemerals(t, server, 2)
	members[0].kill(syscall.SIGTERM) // gives up waiting for the others
	code, _ := members[0].wait()
	require.Equal(t, 143, code)
	for _, m := range members[1:] {
		m.kill(syscall.SIGTERM)
	}
	for _, m := range members[1:] {
		code, _ := m.wait()
		require.Equal(t, 7, code)
	}
}

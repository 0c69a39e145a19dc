//go:build unix

package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/zktest"
)

func TestInspect_problems(t *testing.T) {
	server := zktest.New(t)
	code, out, stderr := docent(t, words("inspect --problems --confirm 0s"), on(server))
	require.Zero(t, code)
	require.Equal(t, "no problem\n", out)
	require.Empty(t, stderr)

	const stuck = "/locks/a b/_c_00000000-1111-4222-8333-000000000001-lock-0000000000"
	require.NoError(t, server.Put(stuck, []byte("10.0.0.1")))
	_, err := lock.NewMutex(manager(t, server), "/locks/held", lock.ID("it's\u202eann")).Lock(t.Context())
	require.NoError(t, err)
	code, out, stderr = docent(t, words("inspect --problems --confirm 0s --held 1ns"), on(server))
	require.Equal(t, exitFailure, code)
	require.Equal(t, "docent: inspect /: 3 problems found\n", stderr)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 6)
	require.Regexp(t, `^warning  /locks/a b  abandoned, since \d+s: `+stuck+` looks abandoned: it belongs to no session`, lines[0])
	require.Equal(t, `  docent remove '`+stuck+`'`, lines[1])
	require.Contains(t, out, `notice  /locks/held  held for long, since `)
	require.NotContains(t, out, "\u202e")

	code, out, _ = docent(t, words("--json inspect --problems --confirm 0s"), on(server))
	require.Equal(t, exitFailure, code)
	var p inspect.Problem
	require.NoError(t, json.Unmarshal([]byte(out), &p))
	require.Equal(t, inspect.ProblemAbandoned, p.Kind)
	require.Equal(t, []string{"remove", stuck}, p.Command)

	for line, want := range map[string]string{
		"inspect --problems --deadlocks": "--problems excludes --deadlocks and --watch", "inspect --problems --held 0s": "more than zero",
		"inspect --problems --growth 0": "--growth 0 is too small",
	} {
		code, _, stderr = docent(t, words(line), on(server))
		require.Equal(t, exitUsage, code, line)
		require.Contains(t, stderr, want)
	}
}

// A shell reads the words of a printed command as they were, and a reader sees
// all of them.
func TestShellWords(t *testing.T) {
	args := []string{"a", "", "a b", "it's", `back\slash`, "$HOME `id` $(id) !x", "*?[a]", "~", "-x", "new\nline", "bidi\u202e", "null\u3164", "\xff", "'\u202e\\", "größe"}
	line := shellWords(args)
	require.Equal(t, `a '' 'a b' 'it'\''s' 'back\slash'`, line[:len(`a '' 'a b' 'it'\''s' 'back\slash'`)])
	require.NotContains(t, line, "\n")
	require.NotContains(t, line, "\u202e")
	out, err := exec.Command("bash", "-c", "printf '%s\\0' "+line).Output()
	require.NoError(t, err)
	require.Equal(t, strings.Join(args, "\x00")+"\x00", string(out))
}

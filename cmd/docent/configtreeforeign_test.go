//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
)

// deadContender is the name of a contender in a znode that a plain client has
// copied.
const deadContender = "_c_0123456789abcdef0123456789abcdef-lock-0000000000"

// The verbs that read a tree leave the znodes of other recipes out, and say so.
func TestConfigTree_Foreign(t *testing.T) {
	server := treeServer(t, "/c/db/host=h", "/c/locks/"+deadContender+"=x", `/c/gate={"host":"db","pid":7}`)
	_, err := election.New(manager(t, server), "/c/leaders").Campaign(t.Context())
	require.NoError(t, err)
	const left = ": 3 znodes are left out, since they belong to other recipes; the first is gate: it is a gate"
	for _, args := range []string{"config list /c", "config export /c", "config diff /c --with /c", "exec /c -- env"} {
		code, out, stderr := docent(t, words(args), on(server))
		require.Zero(t, code, stderr)
		require.Contains(t, stderr, left, args)
		require.NotContains(t, out, "_c_", args)
		require.NotContains(t, out, "pid", args)
	}

	file := filepath.Join(t.TempDir(), "f.json")
	code, _, stderr := docent(t, words("config export /c "+file), on(server))
	require.Zero(t, code, stderr)
	code, out, stderr := docent(t, words("config import /copy "+file), on(server))
	require.Zero(t, code, stderr)
	require.Equal(t, "create db/host\n", out)

	// A dry run and a run decide alike.
	empty := filepath.Join(t.TempDir(), "empty.json")
	require.NoError(t, os.WriteFile(empty, []byte(`{"format":"docent config 1","path":"/c","zxid":1000,"keys":[]}`), 0o600))
	for _, dry := range []string{" --dry-run", ""} {
		code, out, stderr = docent(t, words("config import /c/leaders "+empty+" --delete"+dry), on(server))
		require.Zero(t, code, stderr)
		require.Empty(t, out)
		require.Contains(t, stderr, "a znode is left out")
	}

	// An export of another program has them: nothing is written.
	made := filepath.Join(t.TempDir(), "made.json")
	require.NoError(t, os.WriteFile(made, []byte(`{"format":"docent config 1","keys":[{"key":"locks/`+deadContender+`","value":""}]}`), 0o600))
	for _, dry := range []string{" --dry-run", "", " --force"} {
		code, out, stderr = docent(t, words("config import /other "+made+dry), on(server))
		require.Equal(t, 1, code)
		require.Empty(t, out)
		require.Contains(t, stderr, "nothing was written: locks/"+deadContender)
		require.Contains(t, stderr, "a contender of a lock; remove it from "+made)
	}
}

// The root of the connection is a tree like any other.
func TestConfigTree_Root(t *testing.T) {
	server := treeServer(t, "/c/db/host=h")
	code, out, stderr := docent(t, words("config list /"), on(server))
	require.Zero(t, code, stderr)
	require.Equal(t, "c/db/host\t0\th\n", out)
	require.Empty(t, stderr)
	for _, args := range []string{"config diff / --with /", "exec / -- true", "config export /"} {
		code, out, stderr = docent(t, words(args), on(server))
		require.Zero(t, code, args+stderr)
	}
	file := filepath.Join(t.TempDir(), "f.json")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(out, `"h"`, `"i"`, 1)), 0o600))
	code, out, stderr = docent(t, words("config import / "+file), on(server))
	require.Zero(t, code, stderr)
	require.Equal(t, "set c/db/host\n", out)
	code, _, stderr = docent(t, words("config get /"), on(server))
	require.Equal(t, 2, code)
	require.Contains(t, stderr, "it is the root")
}

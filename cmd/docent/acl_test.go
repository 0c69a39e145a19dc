//go:build unix

package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// ann is a user whose nodes have an ACL for her alone.
var ann = env("DOCENT_AUTH=digest:ann:s3cr3t-word")

func TestACL_usage(t *testing.T) {
	for _, c := range []struct{ args, line string }{
		{"--acl creator config get /a", "--acl creator: the ACL names your credentials, and there are none; " +
			"give --auth-file (or DOCENT_AUTH), --sasl-user, or --tls-cert where the server takes certificates for credentials"},
		{"--acl world config get /a", `--acl "world" is unknown; use open or creator`},
	} {
		code, out, stderr := docent(t, words(c.args))
		require.Equal(t, "docent: "+c.line+"\n", stderr)
		require.Equal(t, 2, code)
		require.Empty(t, out)
	}
}

// With --acl creator every node that a command makes is the caller's, parents
// included, and others are told in one line that they have no right.
func TestACL_creator(t *testing.T) {
	server := zktest.New(t)
	run := func(args string, settings ...setting) (int, string) {
		t.Helper()
		code, _, stderr := docent(t, words(args, self("0")...), append(settings, on(server), role("exit"))...)
		return code, stderr
	}
	made := make(map[string][]zktest.ACL)
	stop := server.OnChange(func(c zktest.Change) {
		if node, found := server.Node(c.Path); c.Kind == zktest.Created && found {
			made[c.Path] = node.ACL
		}
	})
	code, stderr := run("--acl creator lock /locks/l", ann)
	require.Zero(t, code, stderr)
	code, _, stderr = docent(t, words("--acl creator config set /app/c x --create"), on(server), ann)
	require.Zero(t, code, stderr)
	stop()
	require.Greater(t, len(made), 4, "two directories, the lock's node, and the key")
	for path, acl := range made {
		require.Len(t, acl, 1, path)
		require.Equal(t, "digest", acl[0].Scheme, path)
		require.True(t, strings.HasPrefix(acl[0].ID, "ann:"), path)
	}

	for _, who := range []setting{env("DOCENT_AUTH="), env("DOCENT_AUTH=digest:ann:wrong")} {
		before := server.Paths()
		code, stderr = run("--acl open lock /locks/l", who)
		require.Equal(t, 1, code)
		require.Equal(t, "docent: lock /locks/l: the ACL denies access; "+
			"check --auth-file or DOCENT_AUTH, and the ACL of the znode and of its parent\n", stderr)
		code, _, stderr = docent(t, words("config get /app/c"), on(server), who)
		require.Equal(t, 1, code)
		require.Contains(t, stderr, "docent: config get /app/c: the ACL denies access")
		require.Equal(t, before, server.Paths())
	}
}

func TestACL_openUnlessAskedFor(t *testing.T) {
	server := zktest.New(t)
	code, _, stderr := docent(t, words("config set /app/c x --create"), on(server), ann)
	require.Zero(t, code, stderr)
	node, found := server.Node("/app/c")
	require.True(t, found)
	require.Equal(t, []zktest.ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}, node.ACL)
}

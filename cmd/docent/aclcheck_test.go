//go:build unix

package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// give sets the ACL of a node of the server.
func give(t *testing.T, server *zktest.Server, path string, acl ...session.ACL) {
	t.Helper()
	entries := make([]zktest.ACL, len(acl))
	for i, a := range acl {
		entries[i] = zktest.ACL{Perms: a.Perms, Scheme: a.Scheme, ID: a.ID}
	}
	require.NoError(t, server.SetACL(path, entries...))
}

func anns(perms int32) session.ACL { return session.DigestACL(perms, "ann", "s3cr3t-word")[0] }
func bobs(perms int32) session.ACL { return session.DigestACL(perms, "bob", "bobs-word")[0] }
func anyone(perms int32) session.ACL {
	return session.ACL{Perms: perms, Scheme: "world", ID: "anyone"}
}

var bob = env("DOCENT_AUTH=digest:bob:bobs-word")

// contender is the name of a lock's contender.
const contender = "_c_01234567-89ab-cdef-0123-456789abcdef-lock-0000000000"

// The check says in words what a stranger can do, for each recipe.
func TestACLCheck(t *testing.T) {
	server := zktest.New(t)
	give(t, server, "/", anns(session.PermAll), anyone(session.PermRead))
	for _, args := range []string{"config set /app/limits 1 --create", "counter set /app/hits 3", "queue put /jobs x"} {
		code, _, stderr := docent(t, words("--acl creator "+args), on(server), ann)
		require.Zero(t, code, stderr)
	}
	server.Put("/locks/orders/"+contender, nil)
	give(t, server, "/locks", anns(session.PermAll))
	give(t, server, "/locks/orders", anns(session.PermAll), anyone(session.PermDelete))
	code, out, stderr := docent(t, words("acl check"), on(server), ann)
	require.Equal(t, 1, code, stderr)
	require.Equal(t, "docent: acl check /: others have rights in 1 place; close what is yours with \"docent acl init --force\", "+
		"or name who may have them with --trust\n", stderr)
	for _, line := range []string{
		"/locks/orders  lock\n",
		"    digest:ann may do everything\n",
		"  ! anyone may delete znodes there: a stranger can end the hold and take the lock\n",
		"/app/limits  config\n    digest:ann may do everything\n",
		"/jobs  queue\n    digest:ann may do everything\n",
	} {
		require.Contains(t, out, line)
	}
	require.Equal(t, 2, strings.Count(out, "!"), "the directory, and the contender that anyone may change: %s", out)

	give(t, server, "/locks/orders", anns(session.PermAll))
	give(t, server, "/locks/orders/"+contender, anns(session.PermAll))
	code, out, stderr = docent(t, words("acl check"), on(server), ann)
	require.Zero(t, code, out+stderr)
	require.Contains(t, out, "nothing is exposed\n")
}

// A key, a counter, a gate and a one-node lock depend on the directory above
// them, and the ACLs above PATH have the right to make a directory again.
func TestACLCheck_parents(t *testing.T) {
	server := zktest.New(t)
	code, _, stderr := docent(t, words("--acl creator --exposed ignore config set /app/team/limits 1 --create"), on(server), ann)
	require.Zero(t, code, stderr)
	give(t, server, "/app/team", anns(session.PermAll), bobs(session.PermCreate|session.PermDelete))
	code, out, _ := docent(t, words("acl check /app/team/limits"), on(server), ann)
	require.Equal(t, 1, code)
	require.Equal(t, "/  above\n"+
		"  ! anyone may create and delete znodes there and change its ACL: a stranger can delete a directory while it is empty, and make it again\n"+
		"/app/team  above\n"+
		"  ! digest:bob may create and delete znodes there: a stranger can delete a directory while it is empty, and make it again\n"+
		"/app/team/limits  config\n"+
		"  ! digest:bob may create and delete znodes there (/app/team): a stranger can delete the key\n"+
		"    digest:ann may do everything\n", out)
	give(t, server, "/", anns(session.PermAll))
	code, out, _ = docent(t, words("acl check /app/team/limits --trust digest:bob"), on(server), ann)
	require.Zero(t, code, out)

	// A reader without credentials sees what everyone may do.
	for _, path := range []string{"/", "/app", "/app/team", "/app/team/limits"} {
		give(t, server, path, anns(session.PermAll), anyone(session.PermRead))
	}
	code, out, stderr = docent(t, words("acl check /app"), on(server))
	require.Zero(t, code, out+stderr)
	give(t, server, "/app/team/limits", anns(session.PermAll), anyone(session.PermRead|session.PermWrite))
	code, out, stderr = docent(t, words("acl check /app --json"), on(server))
	require.Equal(t, 1, code, stderr)
	var last aclFinding
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &last))
	require.Equal(t, "/app/team/limits", last.Path)
	require.True(t, last.Exposed)
	require.Equal(t, "a stranger can change the value", last.Rights[len(last.Rights)-1].Means)
}

// The check says what it has not read, and shows others' text escaped.
func TestACLCheck_gaps(t *testing.T) {
	server := zktest.New(t)
	for _, path := range []string{"/d/a", "/d/b", "/d/c", "/d/e"} {
		server.Put(path, []byte("x"))
	}
	give(t, server, "/d/b", anns(session.PermAll))
	code, _, stderr := docent(t, words("acl check /d"), on(server))
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "the check is not complete: the ACLs of 1 znode may not be read (see --auth)")
	_, _, stderr = docent(t, words("acl check /d --limit 3"), on(server))
	require.Contains(t, stderr, "were left out (see --limit)")
	give(t, server, "/d", session.ACL{Perms: session.PermAll, Scheme: "sasl", ID: "evil\x1b[2J\n"}, anyone(session.PermRead))
	code, out, _ := docent(t, words("acl check /d --trust digest:ops"), on(server))
	require.Equal(t, 1, code)
	require.NotContains(t, out, "\x1b")
	require.Contains(t, out, `sasl:evil`)

	for _, c := range []struct{ args, line string }{
		{"acl check / --limit 0", "acl check: --limit 0 is too small; give 1 or more"},
		{"acl check / --trust ops", `acl check: --trust "ops" has another form; write SCHEME:ID, such as digest:ops`},
		{"acl init /a", "acl init: PATH will belong to your credentials, and there are none; " +
			"give --auth-file (or DOCENT_AUTH), --sasl-user, or --tls-cert where the server takes certificates for credentials"},
		{"acl init /a --recursive", "acl init: --recursive replaces ACLs; give --force too"},
		{"--exposed maybe config get /a", `--exposed "maybe" is unknown; use warn, reject or ignore`},
		{"--exposed reject config get /a", "--exposed reject: with --acl open every znode is open to everyone; give --acl creator too"},
	} {
		code, out, stderr := docent(t, words(c.args), on(server))
		require.Equal(t, "docent: "+c.line+"\n", stderr)
		require.Equal(t, 2, code)
		require.Empty(t, out)
	}
}

// A tree of one's own can be checked although / is open, and a check that is
// not complete does not succeed.
func TestACLCheck_below(t *testing.T) {
	server := zktest.New(t)
	code, _, stderr := docent(t, words("acl init /orders"), on(server), ann)
	require.Zero(t, code, stderr)
	code, out, _ := docent(t, words("acl check /orders"), on(server), ann)
	require.Equal(t, 1, code)
	require.Contains(t, out, "/  above\n")
	for _, args := range []string{"acl check /orders --below", "--servers zk1/orders acl check --below"} {
		code, out, stderr = docent(t, words(args), on(server), ann)
		require.Zero(t, code, stderr)
		require.NotContains(t, out, "above")
		require.Contains(t, out, "nothing is exposed\n")
	}

	server.Put("/orders/hidden", nil)
	give(t, server, "/orders/hidden", anns(session.PermWrite))
	server.Put("/orders/more", nil)
	give(t, server, "/orders/more", anns(session.PermAll))
	code, out, stderr = docent(t, words("acl check /orders --below --limit 1"), on(server), ann)
	require.Equal(t, 1, code)
	require.Contains(t, out, "nothing is exposed in the znodes that were read\n")
	require.Contains(t, stderr, "the check is not complete")

	server.Put("/orders/open", nil)
	code, _, _ = docent(t, words("acl check /orders --below"), on(server), ann)
	require.Equal(t, 1, code)
}

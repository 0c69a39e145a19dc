//go:build unix

package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestACLInit(t *testing.T) {
	server := zktest.New(t)
	code, out, stderr := docent(t, words("acl init /orders/eu"), on(server), ann)
	require.Zero(t, code, stderr)
	require.Equal(t, "/orders/eu  created: it belongs to digest:ann\n", out)
	require.Empty(t, stderr, "ann owns the parent too")
	node, found := server.Node("/orders/eu")
	require.True(t, found)
	require.Equal(t, []zktest.ACL{{Perms: session.PermAll, Scheme: "digest", ID: anns(0).ID}}, node.ACL)

	code, out, stderr = docent(t, words("acl init /orders"), on(server), ann)
	require.Zero(t, code, stderr)
	require.Equal(t, "/orders  belongs already to digest:ann\n", out)
	require.Equal(t, "docent: warning: acl init /orders: in /, anyone may delete znodes there and change its ACL, "+
		"so they can delete /orders while it is empty, and make it again\n", stderr)

	// Another user may not even read the ACL.
	code, out, stderr = docent(t, words("acl init /orders"), on(server), bob)
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Equal(t, "docent: acl init /orders: PATH exists, and its ACL cannot be read with these credentials; "+
		"choose another path, or have its owner give you the right to change its ACL\n", stderr)

	// What does not exist is not said to exist.
	for _, path := range []string{"/orders/us", "/orders/us/a/b"} {
		code, out, stderr = docent(t, words("acl init "+path), on(server), bob)
		require.Equal(t, 1, code)
		require.Empty(t, out)
		require.Equal(t, "docent: acl init "+path+": PATH does not exist, and these credentials have no right to create znodes in /orders; "+
			"have its owner make PATH or give you the right\n", stderr)
	}
}

// The root in --servers is made without it.
func TestACLInit_root(t *testing.T) {
	server := zktest.New(t)
	code, out, stderr := docent(t, words("--servers zk1/new acl init /"), on(server), ann)
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Equal(t, "docent: acl init /: the root /new in --servers does not exist; "+
		"make it with \"docent acl init /new\", and leave the root out of --servers\n", stderr)
	code, _, stderr = docent(t, words("acl init /new"), on(server), ann)
	require.Zero(t, code, stderr)
	code, out, stderr = docent(t, words("--servers zk1/new acl init /"), on(server), ann)
	require.Zero(t, code, stderr)
	require.Equal(t, "/  belongs already to digest:ann\n", out)
}

// A directory with another ACL is left alone without --force.
func TestACLInit_exists(t *testing.T) {
	server := zktest.New(t)
	server.Put("/open/a/b", []byte("data"))
	server.Put("/open/c", nil)
	mark := zktest.ACL{Scheme: "digest", ID: "docent-since-7:x"}
	require.NoError(t, server.SetACL("/open/c", zktest.ACL{Perms: 31, Scheme: "world", ID: "anyone"}, mark))
	give(t, server, "/open/a/b", bobs(session.PermAll))
	code, out, stderr := docent(t, words("acl init /open"), on(server), ann)
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Equal(t, "docent: acl init /open: PATH exists with another ACL: anyone may create and delete znodes there, read it, "+
		"write it and change its ACL; look at it with \"docent acl check\", and give --force to replace its ACL\n", stderr)

	code, out, stderr = docent(t, words("acl init /open --force"), on(server), ann)
	require.Zero(t, code, stderr)
	require.Equal(t, "/open  its ACL was replaced: it belongs to digest:ann\n", out)
	node, _ := server.Node("/open/a")
	require.Equal(t, "world", node.ACL[0].Scheme, "without --recursive the rest stays")

	code, out, stderr = docent(t, words("acl init /open --force --recursive"), on(server), ann)
	require.Equal(t, 1, code, "one node belongs to bob")
	require.Contains(t, stderr, "docent: acl init /open: /open/a/b: the ACL denies access")
	require.Equal(t, "/open  2 ACLs were replaced: the tree belongs to digest:ann\n", out)
	node, _ = server.Node("/open/c")
	require.Equal(t, []zktest.ACL{{Perms: session.PermAll, Scheme: "digest", ID: anns(0).ID}, mark}, node.ACL, "marks stay")

	give(t, server, "/open/a/b", bobs(session.PermAll), anns(session.PermAdmin))
	code, out, _ = docent(t, words("--json acl init /open --force --recursive"), on(server), ann)
	require.Zero(t, code)
	require.JSONEq(t, `{"path":"/open","owners":["digest:ann"],"created":false,"changed":1}`, out)
	code, out, _ = docent(t, words("acl check /open"), on(server), ann)
	require.Equal(t, 1, code, "the root is open")
	require.NotContains(t, out, "digest:bob")
}

// Commands warn, reject or are silent about a directory that a stranger made.
func TestFault46_Command(t *testing.T) {
	for _, c := range []struct {
		flag string
		code int
		says string
	}{
		{"", 0, "docent: warning: /locks/l: anyone may create and delete znodes there and change its ACL, " +
			"so they can delete the znodes of this program and end its holds; see \"docent acl check /locks/l\"\n"},
		{"--exposed reject ", 1, "docent: lock /locks/l: others have rights on the directory /locks/l: anyone may create and delete znodes there and " +
			"change its ACL, so they can delete the znodes of this program and end its holds; see \"docent acl check /locks/l\"\n"},
		{"--exposed ignore ", 0, ""},
	} {
		server := zktest.New(t)
		server.Put("/locks/l", nil)
		code, _, stderr := docent(t, words(c.flag+"--acl creator lock /locks/l", self("0")...), on(server), ann, role("exit"))
		require.Equal(t, c.says, stderr)
		require.Equal(t, c.code, code)
	}
	// Also if the command ends at once.
	server := zktest.New(t)
	server.Put("/app", nil)
	code, _, stderr := docent(t, words("--acl creator config set /app/k x --create"), on(server), ann)
	require.Zero(t, code)
	require.Contains(t, stderr, "docent: warning: /app: anyone may create and delete znodes there")
}

// The parent of a root in --servers is above that root. A session with the right
// to delete there can delete the root.
func TestACLInit_ofARoot(t *testing.T) {
	server := zktest.New(t)
	server.Put("/apps/orders", nil)
	root := env("DOCENT_SERVERS=zk1/apps/orders")
	code, out, stderr := docent(t, words("acl init / --force"), on(server), root, ann)
	require.Zero(t, code, stderr)
	require.Equal(t, "/  its ACL was replaced: it belongs to digest:ann\n", out)
	require.Equal(t, "docent: warning: acl init /: in /apps, above the root in --servers, anyone may delete znodes there and change its ACL, "+
		"so they can delete /apps/orders while it is empty, and make it again\n", stderr)
	code, out, _ = docent(t, words("acl check /"), on(server), root, ann)
	require.Equal(t, 1, code)
	require.Contains(t, out, "/apps  above the root in --servers", "the check says the same")

	give(t, server, "/apps", anns(session.PermAll))
	code, _, stderr = docent(t, words("acl init /"), on(server), root, ann)
	require.Zero(t, code)
	require.Empty(t, stderr)

	give(t, server, "/apps", bobs(session.PermAll))
	code, _, stderr = docent(t, words("acl init /"), on(server), root, ann)
	require.Zero(t, code)
	require.Equal(t, "docent: warning: acl init /: the rights in /apps, above the root in --servers, are hidden: "+
		"if others may delete znodes there, they can delete /apps/orders while it is empty\n", stderr)

	// The root of the ensemble has no parent.
	code, _, stderr = docent(t, words("acl init / --force"), on(server), ann)
	require.Zero(t, code)
	require.Empty(t, stderr)
}

//go:build unix

package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// The check marks the rights on an empty directory of a recipe, the right to
// write a key that has keys below it, and the rights of every address.
func TestACLCheck_rightsOfEachPlace(t *testing.T) {
	all := anns(session.PermAll)
	everyAddress := session.ACL{Perms: session.PermAll, Scheme: "ip", ID: "0.0.0.0/0"}
	for _, c := range []struct {
		name, path, data string
		rights           session.ACL
		below            string
		creds            []setting
		line             string
	}{
		{"the empty directory of the permits", "/app/s/leases", "", anyone(session.PermCreate | session.PermDelete), "/app/s/locks", []setting{ann},
			"/app/s  semaphore\n    digest:ann may do everything\n" +
				"  ! anyone may create and delete znodes there (/app/s/leases): " +
				"a stranger can end the holds, so that more processes hold than the limit\n"},
		{"a key above a key", "/app/limits", "5", anyone(session.PermWrite), "/app/limits/eu", []setting{ann},
			"  ! anyone may write it: a stranger can change its data\n"},
		{"every address of IPv4", "/app/limits", "", everyAddress, "", nil,
			"  ! ip:0.0.0.0/0 may create and delete znodes there and change its ACL"},
		{"no data to change", "/app/team", "", anyone(session.PermWrite), "/app/team/eu", []setting{ann}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := zktest.New(t)
			server.Put(c.path, []byte(c.data))
			if c.below != "" {
				server.Put(c.below, nil)
			}
			for _, path := range append(server.Paths(), "/") {
				give(t, server, path, all, anyone(session.PermRead))
			}
			give(t, server, c.path, all, anyone(session.PermRead), c.rights)
			code, out, stderr := docent(t, words("acl check"), append(c.creds, on(server))...)
			if c.line == "" {
				require.Zero(t, code, out+stderr)
				return
			}
			require.Equal(t, 1, code, out+stderr)
			require.Contains(t, out, c.line)
		})
	}
}

// The check reads the ACLs of all children of a znode, also of more than a
// report shows of one znode.
func TestACLCheck_manyChildren(t *testing.T) {
	server := zktest.New(t)
	for i := range 1200 {
		server.Put(fmt.Sprintf("/app/k%04d", i), nil)
	}
	for _, path := range append(server.Paths(), "/") {
		give(t, server, path, anns(session.PermAll))
	}
	code, out, stderr := docent(t, words("acl check"), on(server), ann)
	require.Zero(t, code, out+stderr)
	require.Contains(t, out, "nothing is exposed\n")
	require.Empty(t, stderr, "the default limit suffices")
	give(t, server, "/app/k1199", anyone(session.PermWrite|session.PermRead))
	code, out, stderr = docent(t, words("acl check"), on(server), ann)
	require.Equal(t, 1, code, stderr)
	require.Contains(t, out, "! anyone may write it (/app/k1199)")
}

// With a root in --servers, the check looks at the nodes above the root too:
// who may delete there can delete the root while it is empty.
func TestACLCheck_aboveTheRoot(t *testing.T) {
	server := zktest.New(t)
	server.Put("/teams/app", nil)
	for _, path := range []string{"/", "/teams", "/teams/app"} {
		give(t, server, path, anns(session.PermAll))
	}
	check := words("--servers zk1/teams/app acl check")
	code, out, stderr := docent(t, check, on(server), ann)
	require.Zero(t, code, out+stderr)
	require.Equal(t, "/  plain\n    digest:ann may do everything\nnothing is exposed\n", out)

	give(t, server, "/teams", anns(session.PermAll), anyone(session.PermDelete))
	code, out, stderr = docent(t, check, on(server), ann)
	require.Equal(t, 1, code, stderr)
	require.Equal(t, "/teams  above the root in --servers\n"+
		"  ! anyone may delete znodes there: a stranger can delete a directory while it is empty, and make it again\n"+
		"/  plain\n    digest:ann may do everything\n", out)
	_, out, _ = docent(t, append(check, "--json"), on(server), ann)
	require.Contains(t, out, `{"path":"/teams","kind":"plain","above":true,"outside":true,`)

	give(t, server, "/teams", bobs(session.PermAll))
	code, out, stderr = docent(t, check, on(server), ann)
	require.Equal(t, 1, code, "what was not read may be open")
	require.Contains(t, stderr, "the check is not complete: the ACLs of 1 znode may not be read (see --auth)")
	require.Contains(t, out, "nothing is exposed in the znodes that were read\n")
}

package testworld

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Secretive is a tweak: only processes with its credentials may read or write
// its nodes.
func Secretive(cfg *session.Config) {
	cfg.Auth = []session.Credential{session.Digest("owner", "secret")}
	cfg.ACL = session.CreatorACL()
}

// Guest is a tweak: its credentials grant no right.
func Guest(cfg *session.Config) {
	cfg.Auth = []session.Credential{session.Digest("guest", "secret")}
}

// EachServer runs f as a test for two kinds of servers. One shows every session
// the stat of every node; the other's exists needs the right to read. Both
// withhold the events of a node from sessions that may not read it. Only owner
// may read owner's nodes.
func EachServer(t *testing.T, f func(w *World, owner *Process)) {
	for name, asks := range map[string]bool{"the stat is for all": false, "exists asks for the right to read": true} {
		t.Run(name, func(t *testing.T) {
			var opts []zktest.Option
			if asks {
				opts = append(opts, zktest.WithExistsNeedsRead())
			}
			Run(t, func(w *World) { f(w, w.Process(Secretive)) }, opts...)
		})
	}
}

// Shut changes the ACL of a node so that only Secretive processes may read it.
// No watch fires.
func (w *World) Shut(path string) {
	w.Helper()
	owner := session.DigestACL(session.PermAll, "owner", "secret")[0]
	require.NoError(w, w.Srv.SetACL(path, zktest.ACL{Perms: owner.Perms, Scheme: owner.Scheme, ID: owner.ID}))
}

// Open changes the ACL of a node so that all sessions may read and write it.
func (w *World) Open(path string) {
	w.Helper()
	require.NoError(w, w.Srv.SetACL(path, zktest.ACL{Perms: session.PermAll, Scheme: "world", ID: "anyone"}))
}

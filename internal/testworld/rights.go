package testworld

import (
	"slices"
	"testing"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Secretive is a tweak of a process whose nodes no process without its
// credentials may read or write.
func Secretive(cfg *session.Config) {
	cfg.Auth = []session.Credential{session.Digest("owner", "secret")}
	cfg.ACL = session.CreatorACL()
}

// ExistsAsks makes the server answer an exists as ZooKeeper does since 3.8.7 and
// 3.9: it asks for the right to read the node. The processes have that right, and
// the others have it for nodes that all may read.
func (w *World) ExistsAsks(processes ...*Process) {
	w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		node, found := w.Srv.Node(r.Path)
		if r.Op != zktest.OpExists || !found || readable(node.ACL) ||
			slices.ContainsFunc(processes, func(p *Process) bool { return p.Current().ID() == r.Session }) {
			return zktest.Pass
		}
		return zktest.Fail(zktest.CodeNoAuth)
	})
}

func readable(acl []zktest.ACL) bool {
	return len(acl) == 0 || slices.ContainsFunc(acl, func(a zktest.ACL) bool {
		return a.Scheme == "world" && a.Perms&zk.PermRead != 0
	})
}

// EachServer runs f as a test for each kind of server: one that gives every
// session the stat of every node, and one whose exists asks for the right to read.
// Both withhold the events of a node from sessions that may not read it. No
// process but owner may read owner's nodes.
func EachServer(t *testing.T, f func(w *World, owner *Process)) {
	for name, asks := range map[string]bool{"the stat is for all": false, "exists asks for the right to read": true} {
		t.Run(name, func(t *testing.T) {
			Run(t, func(w *World) {
				owner := w.Process(Secretive)
				if asks {
					w.ExistsAsks(owner)
				}
				f(w, owner)
			})
		})
	}
}

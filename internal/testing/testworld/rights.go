package testworld

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
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

// EachServer runs f as a test for each version of the server that withholds the
// events of a node from sessions that may not read it. 3.8 shows every session the
// stat of every node; exists of 3.9 needs the right to read. Only owner may read
// owner's nodes.
func EachServer(t *testing.T, f func(w *World, owner *Process)) {
	each(t, []zktest.Release{zktest.V38, zktest.V39}, func(w *World, _ zktest.Release) { f(w, w.Process(Secretive)) })
}

// EachRelease runs f as a test for each version of the server.
func EachRelease(t *testing.T, f func(w *World, release zktest.Release), opts ...zktest.Option) {
	each(t, []zktest.Release{zktest.V35, zktest.V38, zktest.V39}, f, opts...)
}

func each(t *testing.T, releases []zktest.Release, f func(w *World, release zktest.Release), opts ...zktest.Option) {
	for _, release := range releases {
		t.Run(string(release), func(t *testing.T) {
			Run(t, func(w *World) { f(w, release) }, append([]zktest.Option{zktest.Version(release)}, opts...)...)
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

// Reader is a tweak of a process that may read the nodes that Shut closes. Its own
// nodes are open to all.
func Reader(cfg *session.Config) {
	cfg.Auth = []session.Credential{session.Digest("owner", "secret")}
}

// RemoveHidden deletes the nodes that the present session of a process owns, after it
// has taken the right to read them from all but a Reader. No server tells the process.
// RemoveHidden returns the paths.
func (p *Process) RemoveHidden() (paths []string) {
	p.W.Helper()
	id := p.Current().ID()
	for _, path := range p.W.Srv.Paths() {
		if node, found := p.W.Srv.Node(path); found && node.Stat.EphemeralOwner == id {
			paths = append(paths, path)
		}
	}
	require.NotEmpty(p.W, paths, "the session owns no node")
	for _, path := range paths {
		p.W.Shut(path)
		p.W.Remove(path)
	}
	return paths
}

// KeepWriting has a process write ten times a second until the test ends, which proves its
// session without a probe.
func (p *Process) KeepWriting() {
	p.W.Helper()
	p.W.Put("/busy", "")
	Go(p.W, func(ctx context.Context) (int, error) {
		for {
			if _, err := p.Core().Set(ctx, "/busy", nil, core.AnyVersion); err != nil {
				return 0, err
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
}

// HeldUnseen is how long a hold may outlast the deletion of a node that its session may not
// read. The timeout is 10 s, and the network takes no time.
const HeldUnseen = 10 * time.Second * 25 / 60

// EndsUnseen requires that a hold ends with ErrDeleted, and soon enough after RemoveHidden.
func (w *World) EndsUnseen(ctx context.Context, phase string) {
	w.Helper()
	removed := time.Now()
	select {
	case <-ctx.Done():
	case <-time.After(Patience):
		require.FailNow(w, "the hold goes on without its node", phase)
	}
	require.LessOrEqual(w, time.Since(removed), HeldUnseen, phase)
	require.ErrorIs(w, context.Cause(ctx), session.ErrDeleted, phase)
}

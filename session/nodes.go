package session

import (
	"context"
	"time"

	"github.com/docent-go/docent/internal/core"
)

// The operations on nodes run in the current session. Without a session they
// wait for the next one. If the session ends under an operation, the operation
// is repeated in the next session, unless it is a write that may have been
// done.
//
// Each error is an OpError. It wraps an error that the method lists, another
// error of the server, or the error of ctx. Without a session it wraps
// ErrUnreachable if ctx ended, or ErrClosed if the Manager was closed.

// Get returns the data and the stat of the znode. Errors: ErrNoNode; ErrNoAuth
// if the session may not read the znode. The connected server answers a read,
// and may lag behind the leader: call Sync first if that matters. ctx bounds
// the call. Get is safe for concurrent use.
func (m *Manager) Get(ctx context.Context, path string) ([]byte, Stat, error) {
	return m.of().Get(ctx, path)
}

// Exists reports whether the znode exists, and returns its stat. Servers since
// ZooKeeper 3.8.4 and 3.9.2 reject the stat of a znode that the session may not
// read: Exists then returns true with the zero Stat, for which Hidden is true.
// ctx bounds the call. Exists is safe for concurrent use.
func (m *Manager) Exists(ctx context.Context, path string) (Stat, bool, error) {
	return m.of().Exists(ctx, path)
}

// Children returns the names of the children of the znode, in no order, and the
// stat of the znode. Errors: ErrNoNode; ErrNoAuth if the session may not read
// the znode. ctx bounds the call. Children is safe for concurrent use.
func (m *Manager) Children(ctx context.Context, path string) ([]string, Stat, error) {
	return m.of().Children(ctx, path)
}

// ACL returns the access control list and the stat of the znode. A server
// replaces the hashes of digest entries by "x" unless the session may
// administer the znode. Errors: ErrNoNode; ErrNoAuth if the session may neither
// read nor administer the znode. ctx bounds the call. ACL is safe for
// concurrent use.
func (m *Manager) ACL(ctx context.Context, path string) ([]ACL, Stat, error) {
	return m.of().ACL(ctx, path)
}

// Sync makes the connected server catch up with the leader: a later read shows
// every write that was answered before Sync was called. ctx bounds the call.
// Sync is safe for concurrent use.
func (m *Manager) Sync(ctx context.Context, path string) error { return m.of().Sync(ctx, path) }

// WhoAmI returns the identities that the server knows the session by: the
// address of the client, and one for each credential that the server has
// accepted. ACLs grant their permissions to these identities. Errors:
// ErrUnimplemented from servers before ZooKeeper 3.7. ctx bounds the call.
// WhoAmI is safe for concurrent use.
func (m *Manager) WhoAmI(ctx context.Context) ([]Identity, error) {
	found, err := m.of().WhoAmI(ctx)
	ids := make([]Identity, len(found))
	for i, id := range found {
		ids[i] = Identity(id)
	}
	return ids, err
}

// Create makes a znode with the configured ACL and returns its path, which for
// a sequential znode ends in its number. An ephemeral znode ends with the
// session. Errors: ErrNodeExists; ErrNoNode if the parent is missing (EnsureDir
// makes it); ErrNoAuth; ErrTooLarge; ErrUnknownOutcome if the answer is lost.
// ctx bounds the call. Create is safe for concurrent use.
func (m *Manager) Create(ctx context.Context, path string, data []byte, mode Mode) (string, error) {
	return m.of().Create(ctx, path, data, core.Mode(mode))
}

// CreateTTL is Create of a znode that the server removes after its data has not
// changed for ttl and it has had no children. ttl is rounded up to
// milliseconds. The server looks for such znodes periodically, each minute by
// default. mode is Persistent or Sequential.
//
// Errors: the errors of Create; ErrUnimplemented unless the servers run
// ZooKeeper 3.5.3 or later with extendedTypesEnabled. ctx bounds the call.
// CreateTTL is safe for concurrent use.
func (m *Manager) CreateTTL(ctx context.Context, path string, data []byte, ttl time.Duration, mode Mode) (string, error) {
	return m.of().CreateTTL(ctx, path, data, ttl, core.Mode(mode))
}

// EnsureDir makes the znode at path and its ancestors if they are missing. It
// makes container znodes, which the server removes after their last child;
// servers before ZooKeeper 3.5.3 get persistent znodes. EnsureDir needs no
// rights on ancestors that exist. ctx bounds the call. EnsureDir is safe for
// concurrent use.
func (m *Manager) EnsureDir(ctx context.Context, path string) error {
	return m.of().EnsureDir(ctx, path)
}

// Set writes the data of the znode if the znode has the given version, or any
// version with AnyVersion, and returns the new stat. Errors: ErrNoNode;
// ErrBadVersion; ErrNoAuth; ErrTooLarge; ErrUnknownOutcome if the answer is
// lost. ctx bounds the call. Set is safe for concurrent use.
func (m *Manager) Set(ctx context.Context, path string, data []byte, version int32) (Stat, error) {
	return m.of().Set(ctx, path, data, version)
}

// Delete removes the znode if it has the given version, or any version with
// AnyVersion. Errors: ErrNoNode; ErrBadVersion; ErrNotEmpty; ErrNoAuth;
// ErrUnknownOutcome if the answer is lost. ctx bounds the call. Delete is safe
// for concurrent use.
func (m *Manager) Delete(ctx context.Context, path string, version int32) error {
	return m.of().Delete(ctx, path, version)
}

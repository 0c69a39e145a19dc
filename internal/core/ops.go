package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/wire"
)

// Stat is the server's metadata of a node.
type Stat = zk.Stat

// Mode is the kind of node that Create creates.
type Mode int32

// The kinds of nodes.
const (
	Persistent           Mode = zk.FlagPersistent
	Ephemeral            Mode = zk.FlagEphemeral
	Sequential           Mode = zk.FlagSequence // persistent, with a sequence number
	EphemeralSequential  Mode = zk.FlagEphemeralSequential
	Container            Mode = zk.FlagContainer // the server removes it after the deletion of its last child
	anyVersion                = -1
	sequentialTrialDigit      = "0"
)

// AnyVersion, as the version of Set or Delete, skips the check of the version.
const AnyVersion int32 = anyVersion

func (m Mode) sequential() bool { return m == Sequential || m == EphemeralSequential }

func (m Mode) ephemeral() bool { return m == Ephemeral || m == EphemeralSequential }

func (m Mode) validate() error {
	switch m {
	case Persistent, Ephemeral, Sequential, EphemeralSequential, Container:
		return nil
	}
	return fmt.Errorf("the mode %d is unknown", int32(m))
}

// Get returns the data and the stat of the node. If the node is missing, it
// fails with ErrNoNode. Like every read, it is repeated over lost connections
// until ctx or the session ends.
//
// The server to which the session is connected answers a read, and may lag
// behind. If that matters, call GetNewest.
func (s *Session) Get(ctx context.Context, path string) ([]byte, Stat, error) {
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return nil, Stat{}, s.refuse("get", path, err)
	}
	r, err := s.get(ctx, path, false)
	return r.data, r.stat, err
}

// GetNewest is Get after a Sync: it shows every write that was answered before
// the call.
func (s *Session) GetNewest(ctx context.Context, path string) ([]byte, Stat, error) {
	if err := s.Sync(ctx, path); err != nil {
		return nil, Stat{}, err
	}
	return s.Get(ctx, path)
}

type node struct {
	data []byte
	stat Stat
}

func (s *Session) get(ctx context.Context, path string, watch bool) (node, error) {
	return read(ctx, s, "get", path, s.getRequest(path, watch))
}

// Exists reports whether the node exists, and returns its stat. Servers since
// ZooKeeper 3.8.4 and 3.9.2 refuse the stat of a node that the session may not
// read. Such a node exists and is hidden: Exists returns true with the zero
// Stat, for which Hidden is true.
func (s *Session) Exists(ctx context.Context, path string) (Stat, bool, error) {
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return Stat{}, false, s.refuse("exists", path, err)
	}
	r, err := s.exists(ctx, path, false)
	return r.stat, r.found, err
}

// Hidden reports whether stat is the zero Stat of a node that exists and that
// the session may not read. No existing node has the zero Stat: even the root
// has a Cversion.
func Hidden(stat Stat) bool { return stat == Stat{} }

// presence is a session's view of a node. A hidden node counts as found. Its
// stat is zero unless the server returns it to every session.
type presence struct {
	stat   Stat
	found  bool
	hidden bool
}

func (s *Session) exists(ctx context.Context, path string, watch bool) (presence, error) {
	return read(ctx, s, "exists", path, s.existsRequest(path, watch))
}

// Children returns the names of the node's children, in no particular order,
// and the node's own stat. If the node is missing, it fails with ErrNoNode.
func (s *Session) Children(ctx context.Context, path string) ([]string, Stat, error) {
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return nil, Stat{}, s.refuse("list children", path, err)
	}
	r, err := s.children(ctx, path, false)
	return r.names, r.stat, err
}

type listing struct {
	names []string
	stat  Stat
}

func (s *Session) children(ctx context.Context, path string, watch bool) (listing, error) {
	return read(ctx, s, "list children", path, s.childrenRequest(path, watch))
}

// Sync makes the session's server catch up with the leader: a later read shows
// every write that was answered before Sync.
func (s *Session) Sync(ctx context.Context, path string) error {
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return s.refuse("sync", path, err)
	}
	abs := s.abs(path)
	_, err := read(ctx, s, "sync", path, request[struct{}]{
		frame: func() []byte { return wire.OnPath(wire.OpSync, abs) },
		parse: nothing,
	})
	return err
}

// Set writes the node's data if the node has the given version, or with
// AnyVersion, and returns the new stat. It fails with ErrNoNode or
// ErrBadVersion.
//
// If the answer is lost, the error is ErrUnknownOutcome. Set does not write
// again, because the node may have been replaced by another node with the same
// version. SetOver knows the stat of an earlier read, and finds out as much as
// possible.
func (s *Session) Set(ctx context.Context, path string, data []byte, version int32) (Stat, error) {
	s.made()
	if err := znode.Validate(path); err != nil {
		return Stat{}, s.refuse("set", path, err)
	}
	abs := s.abs(path)
	if err := s.fits(wire.RequestHeader + wire.StringSize(abs) + wire.BufferSize(data) + 4); err != nil {
		return Stat{}, s.refuse("set", path, err)
	}
	return write(ctx, s, "set", path, false, s.setRequest(path, data, version))
}

// Create creates a node with the configured ACL and returns its path, which for
// a sequential node ends in its number. It fails with ErrNodeExists, with
// ErrNoNode if the parent is missing (EnsureDir creates it), and with
// ErrNoAuth. If the answer is lost, the error is ErrUnknownOutcome: Create does
// not create a node again that another client may have seen and deleted.
func (s *Session) Create(ctx context.Context, path string, data []byte, mode Mode) (string, error) {
	s.made()
	return s.CreateWithACL(ctx, path, data, mode)
}

// CreateWithACL is Create of a node with more entries after the configured ACL
// (Config.ACL).
func (s *Session) CreateWithACL(ctx context.Context, path string, data []byte, mode Mode, more ...ACL) (string, error) {
	s.made()
	check := path
	if mode.sequential() {
		check += sequentialTrialDigit // the name may be empty: the server appends a number
	}
	if err := cmp.Or(znode.Validate(check), mode.validate()); err != nil {
		return "", s.refuse("create", path, err)
	}
	abs := s.abs(path)
	if err := s.fits(s.createSize(abs, data, more...)); err != nil {
		return "", s.refuse("create", path, err)
	}
	made, err := s.create(ctx, path, s.createRequest(abs, data, mode, false, more...))
	if err == nil && mode.ephemeral() && s.rejects() {
		dir, _ := znode.Split(path)
		if err := s.secured(ctx, dir, nil); err != nil {
			s.sweepLater(sweep{path: made.path, remove: func() (bool, error) {
				return s.deleteIf(context.Background(), made.path, true, s.owns)
			}})
			return "", s.refuse("create", path, err)
		}
	}
	return made.path, err
}

func (s *Session) create(ctx context.Context, path string, r request[createdNode]) (createdNode, error) {
	dir, _ := znode.Split(path)
	for round := 0; ; round++ {
		if err := s.admit(ctx, dir, vetAge); err != nil {
			return createdNode{}, s.refuse("create", path, err)
		}
		m, err := write(ctx, s, "create", path, false, r)
		if err == nil {
			s.noticeDir(dir)
		}
		if dir != "/" || s.m.cfg.Root == "/" || !errors.Is(err, ErrNoNode) {
			return m, err
		}
		// For the caller, "/" always exists: the root is created on demand.
		if round > 0 {
			s.sleep(ctx, round)
		}
		if err := s.EnsureDir(ctx, "/"); err != nil {
			return m, err
		}
	}
}

// Delete deletes the node if it has the given version, or with AnyVersion. It
// fails with ErrNoNode, ErrBadVersion or ErrNotEmpty. If the answer is lost,
// the error is ErrUnknownOutcome. DeleteExact identifies the node by the zxid
// of its create, and finds out the outcome.
func (s *Session) Delete(ctx context.Context, path string, version int32) error {
	s.made()
	if err := znode.Validate(path); err != nil {
		return s.refuse("delete", path, err)
	}
	abs := s.abs(path)
	if err := s.fits(wire.RequestHeader + wire.StringSize(abs) + 4); err != nil {
		return s.refuse("delete", path, err)
	}
	_, err := write(ctx, s, "delete", path, false, s.deleteRequest(path, version))
	return err
}

func (s *Session) createSize(abs string, data []byte, more ...ACL) int {
	return wire.CreateSize(abs, data, wireACL(s.m.cfg.ACL, more))
}

// AdviceTooLarge is at the end of an error that matches ErrTooLarge.
const AdviceTooLarge = "store the data elsewhere and put its address here, or raise jute.maxbuffer on the servers and MaxRequest in the session's Config"

// fits refuses a request that is too large. The server would answer it by
// closing the connection, which the whole process shares.
func (s *Session) fits(size int) error {
	if limit := s.m.cfg.MaxRequest; size > limit {
		return fmt.Errorf("%w: it takes %d bytes, the limit is %d; %s", ErrTooLarge, size, limit, AdviceTooLarge)
	}
	return nil
}

// refuse returns the error of an operation that was not sent.
func (s *Session) refuse(op, path string, err error) error {
	return &OpError{op, path, s.ID(), err}
}

// abs returns the full path for a path below the root.
func (s *Session) abs(path string) string {
	switch {
	case s.m.cfg.Root == "/":
		return path
	case path == "/":
		return s.m.cfg.Root
	}
	return s.m.cfg.Root + path
}

// rel removes the root from a full path. A path outside of the root, which a
// server may send, stays as it is: the callers with such a path reject it, or
// drop its event.
func (s *Session) rel(abs string) string {
	root := s.m.cfg.Root
	switch {
	case root == "/":
		return abs
	case abs == root:
		return "/"
	}
	if rest, ok := strings.CutPrefix(abs, root); ok && rest[0] == '/' {
		return rest
	}
	return abs
}

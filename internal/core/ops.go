package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/internal/wire"
	"github.com/docent-go/docent/internal/znode"
)

// Stat is what the server knows about a node.
type Stat = zk.Stat

// Mode says what kind of node Create makes.
type Mode int32

// The kinds of nodes.
const (
	Persistent           Mode = zk.FlagPersistent
	Ephemeral            Mode = zk.FlagEphemeral
	Sequential           Mode = zk.FlagSequence // persistent, with a sequence number
	EphemeralSequential  Mode = zk.FlagEphemeralSequential
	Container            Mode = zk.FlagContainer // removed by the server once it has lost its last child
	anyVersion                = -1
	sequentialTrialDigit      = "0"
)

// AnyVersion, as the version of Set and Delete, skips the check of the version.
const AnyVersion int32 = anyVersion

func (m Mode) sequential() bool { return m == Sequential || m == EphemeralSequential }

func (m Mode) validate() error {
	switch m {
	case Persistent, Ephemeral, Sequential, EphemeralSequential, Container:
		return nil
	}
	return fmt.Errorf("the mode %d is unknown", int32(m))
}

// Get returns the data and the stat of the node. It fails with ErrNoNode
// where there is none. Like every read it is repeated over lost connections
// until ctx or the session ends.
//
// A read is answered by the server this session is connected to, which may lag
// behind; Sync first where that matters.
func (s *Session) Get(ctx context.Context, path string) ([]byte, Stat, error) {
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return nil, Stat{}, s.refuse("get", path, err)
	}
	r, err := s.get(ctx, path, false)
	return r.data, r.stat, err
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
// the session may not read. No node has it: that of the root has a Cversion.
func Hidden(stat Stat) bool { return stat == Stat{} }

// presence is what a session knows of a node. A node that is hidden is found;
// its stat is zero unless the server tells it to all.
type presence struct {
	stat   Stat
	found  bool
	hidden bool
}

func (s *Session) exists(ctx context.Context, path string, watch bool) (presence, error) {
	return read(ctx, s, "exists", path, s.existsRequest(path, watch))
}

// Children returns the names of the node's children, in no order, and the
// node's own stat. It fails with ErrNoNode where there is no node.
func (s *Session) Children(ctx context.Context, path string) ([]string, Stat, error) {
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return nil, Stat{}, s.refuse("children", path, err)
	}
	r, err := s.children(ctx, path, false)
	return r.names, r.stat, err
}

type listing struct {
	names []string
	stat  Stat
}

func (s *Session) children(ctx context.Context, path string, watch bool) (listing, error) {
	return read(ctx, s, "children", path, s.childrenRequest(path, watch))
}

// Sync makes the server this session is connected to catch up with the leader:
// a read after it sees every write that was answered before it.
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

// Set writes the node's data if it has the given version, or any with
// AnyVersion, and returns the new stat. It fails with ErrNoNode or
// ErrBadVersion.
//
// A lost answer is ErrUnknownOutcome. Set does not write again then: a version
// does not tell the node from one that others have made in its place. SetOver,
// which knows what was read before, finds out what can be found out.
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

// Create makes a node with the configured ACL and returns its path, which for
// a sequential one ends in its number. It fails with ErrNodeExists,
// ErrNoNode when the parent is missing (EnsureDir makes it), and ErrNoAuth.
// A lost answer is ErrUnknownOutcome: Create does not make a node again that
// others may have seen and deleted.
func (s *Session) Create(ctx context.Context, path string, data []byte, mode Mode) (string, error) {
	s.made()
	return s.CreateWithACL(ctx, path, data, mode)
}

// CreateWithACL is Create of a node that gets more entries after the configured
// ACL (Config.ACL).
func (s *Session) CreateWithACL(ctx context.Context, path string, data []byte, mode Mode, more ...ACL) (string, error) {
	s.made()
	check := path
	if mode.sequential() {
		check += sequentialTrialDigit // the name may be empty: it gets a number
	}
	if err := cmp.Or(znode.Validate(check), mode.validate()); err != nil {
		return "", s.refuse("create", path, err)
	}
	abs := s.abs(path)
	if err := s.fits(s.createSize(abs, data, more...)); err != nil {
		return "", s.refuse("create", path, err)
	}
	return s.create(ctx, path, s.createRequest(abs, data, mode, false, more...))
}

func (s *Session) create(ctx context.Context, path string, r request[createdNode]) (string, error) {
	for {
		m, err := write(ctx, s, "create", path, false, r)
		dir, _ := znode.Split(path)
		if dir != "/" || s.m.cfg.Root == "/" || !errors.Is(err, ErrNoNode) {
			return m.path, err
		}
		// For the caller "/" always exists: the root is made on demand.
		if err := s.EnsureDir(ctx, "/"); err != nil {
			return "", err
		}
	}
}

// Delete removes the node if it has the given version, or any with AnyVersion.
// It fails with ErrNoNode, ErrBadVersion or ErrNotEmpty. A lost answer
// is ErrUnknownOutcome: DeleteExact, which knows the node by the transaction
// that made it, finds out what became of it.
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

// fits refuses a request that the server would answer by closing the
// connection, on all who share it.
func (s *Session) fits(size int) error {
	if limit := s.m.cfg.MaxRequest; size > limit {
		return fmt.Errorf("%w: it takes %d bytes, the limit is %d", ErrTooLarge, size, limit)
	}
	return nil
}

// refuse is the error of an operation that was not tried.
func (s *Session) refuse(op, path string, err error) error {
	return &OpError{op, path, s.ID(), err}
}

// abs puts a path below the root.
func (s *Session) abs(path string) string {
	switch {
	case s.m.cfg.Root == "/":
		return path
	case path == "/":
		return s.m.cfg.Root
	}
	return s.m.cfg.Root + path
}

// rel takes the root off a path that the server sent.
func (s *Session) rel(abs string) string {
	if s.m.cfg.Root == "/" {
		return abs
	}
	if rest, ok := strings.CutPrefix(abs, s.m.cfg.Root); ok && rest != "" {
		return rest
	}
	if abs == s.m.cfg.Root {
		return "/"
	}
	return abs
}

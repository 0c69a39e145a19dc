package core

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/base/znode"
)

// A path does not identify a znode for good: another client may delete the
// znode and create another one at the same path, which begins at version 0
// again. ZooKeeper's requests can check only the version. A path together with
// Stat.Czxid, the zxid of the create, identifies a znode for good. The calls
// here are bound to that znode: they read after a Sync, compare, and write with
// the version that they have read.
//
// One window remains, of one round trip between the answer to the read and the
// write. If other clients replace the node in that time, and the new node
// reaches the version that was read, the two nodes cannot be told apart.
// Recipes delete and create only their own nodes, so this needs a stranger that
// deletes a node of another client.

// DeleteExact deletes the node that transaction czxid created at path, and no
// other node at that path. found reports whether that node existed. A missing
// node is not an error. If an answer is lost, DeleteExact reads the node to
// find out the outcome. If ctx or the session ends before, the error is
// ErrUnknownOutcome.
//
// Errors: ErrNotEmpty, ErrNoAuth, and other errors of the server. The error is
// a *CodeError if an answer does not tell the outcome and the node then proves
// to exist.
func (s *Session) DeleteExact(ctx context.Context, path string, czxid int64) (found bool, err error) {
	s.made()
	if err := znode.Validate(path); err != nil {
		return false, s.refuse("delete", path, err)
	}
	return s.deleteIf(ctx, path, false, func(stat Stat) bool { return stat.Czxid == czxid })
}

// DeleteOwned deletes the node at path if this session owns it, and no other
// node. Otherwise it is like DeleteExact, but it goes on after answers that do
// not tell the outcome, until the node is gone.
func (s *Session) DeleteOwned(ctx context.Context, path string) (found bool, err error) {
	s.made()
	if err := znode.Validate(path); err != nil {
		return false, s.refuse("delete", path, err)
	}
	return s.deleteIf(ctx, path, true, s.owns)
}

func (s *Session) owns(stat Stat) bool { return stat.EphemeralOwner == s.ID() }

// deleteIf deletes the node at path if meant accepts its stat. With persist,
// the node is one of this session's own. Then deleteIf goes on after answers
// that do not tell the outcome, until the node is gone. If the session may not
// read the stat, it deletes the node if it owns it. Otherwise the node would
// exist until the end of the session, and block other clients.
func (s *Session) deleteIf(ctx context.Context, path string, persist bool, meant func(Stat) bool) (found bool, err error) {
	var doubt error // the error of a delete that may have been done
	for n := 0; ; n++ {
		at, err := s.look(ctx, path, doubt != nil)
		if persist && errors.Is(err, ErrNoAuth) {
			at, err = s.lookUnseen(ctx, path)
		}
		switch {
		case err != nil && doubt != nil:
			return false, fmt.Errorf("%w; then: %w", doubt, err)
		case err != nil:
			return false, err
		case !at.found, !at.hidden && !meant(at.stat):
			return doubt != nil, nil
		case errors.As(doubt, new(*CodeError)) && !persist:
			var answer *CodeError
			errors.As(doubt, &answer)
			return true, &OpError{"delete", path, s.ID(), answer}
		}
		doubt = nil
		_, err = write(ctx, s, "delete", path, false, s.deleteRequest(path, at.stat.Version))
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, ErrNoNode):
			return false, nil
		case InDoubt(err):
			doubt = err
		case !errors.Is(err, ErrBadVersion): // another client has written to the node: read it again
			return true, err
		}
		s.sleep(ctx, n)
	}
}

// lookUnseen is look for a node whose stat the session may not read. It finds
// only a node of this session. The Stat has AnyVersion alone.
func (s *Session) lookUnseen(ctx context.Context, path string) (presence, error) {
	owned, err := s.listsOwn(ctx, path)
	return presence{found: owned, hidden: true, stat: Stat{Version: AnyVersion}}, err
}

// SetExact writes data into the node that transaction czxid created at path, at
// any version, and returns the new stat. If that node does not exist, it fails
// with ErrNoNode, even if another node exists at path. For a lost answer, it
// does what SetOver does.
func (s *Session) SetExact(ctx context.Context, path string, data []byte, czxid int64) (Stat, error) {
	s.made()
	if err := znode.Validate(path); err != nil {
		return Stat{}, s.refuse("set", path, err)
	}
	for n := 0; ; n++ {
		at, err := s.look(ctx, path, false)
		switch {
		case err != nil:
			return Stat{}, err
		case !at.found, at.stat.Czxid != czxid:
			return Stat{}, &OpError{"set", path, s.ID(), ErrNoNode}
		}
		stat, err := s.SetOver(ctx, path, data, at.stat)
		if !errors.Is(err, ErrBadVersion) {
			return stat, err
		}
		s.sleep(ctx, n)
	}
}

// CreateOnce is Create of a persistent node that finds out, as far as possible,
// the outcome of a create whose answer was lost. It reads the parent's stat
// beforehand, which costs one more request. If no child of the parent was
// created or deleted since, the create was not done, and is sent again.
//
// Otherwise the error is ErrUnknownOutcome. It also matches ErrNodeExists if
// the node exists: its creator is unknown. The other errors are as for Create.
func (s *Session) CreateOnce(ctx context.Context, path string, data []byte) error {
	s.made()
	_, err := s.createOnce(ctx, path, data)
	return err
}

// createOnce is CreateOnce, and returns the stat of the new node. The stat is
// zero from servers before ZooKeeper 3.5.
func (s *Session) createOnce(ctx context.Context, path string, data []byte) (Stat, error) {
	if err := cmp.Or(znode.Validate(path), s.fits(s.createSize(s.abs(path), data))); err != nil {
		return Stat{}, s.refuse("create", path, err)
	}
	dir, _ := znode.Split(path)
	before, known, err := s.StatOf(ctx, dir)
	switch {
	case errors.Is(err, ErrNoAuth): // go on without the stat
	case err != nil:
		return Stat{}, err
	case !known && dir == "/": // for the caller, "/" always exists
		if err := s.EnsureDir(ctx, dir); err != nil {
			return Stat{}, err
		}
	case !known:
		return Stat{}, &OpError{"create", path, s.ID(), ErrNoNode}
	}
	for n := 0; ; n++ {
		stat, err := s.createPersistent(ctx, path, data)
		if !InDoubt(err) {
			return stat, err
		}
		at, looked := s.settled(ctx, path)
		switch {
		case looked != nil:
			return Stat{}, fmt.Errorf("%w; then: %w", err, looked)
		case at.found:
			return Stat{}, &OpError{"create", path, s.ID(), unknown(ErrNodeExists)}
		case !known:
			return Stat{}, err
		}
		now, found, looked := s.StatOf(ctx, dir)
		switch {
		case looked != nil:
			return Stat{}, fmt.Errorf("%w; then: %w", err, looked)
		case !found, now.Czxid != before.Czxid, now.Pzxid != before.Pzxid:
			return Stat{}, err
		}
		var answer *CodeError
		if errors.As(err, &answer) {
			return Stat{}, &OpError{"create", path, s.ID(), answer} // the create was not done
		}
		s.sleep(ctx, n)
	}
}

func (s *Session) createPersistent(ctx context.Context, path string, data []byte) (Stat, error) {
	withStat := !s.m.noStats.Load()
	made, err := s.create(ctx, path, s.createRequest(s.abs(path), data, Persistent, withStat))
	if withStat && errors.Is(err, ErrUnimplemented) {
		s.m.lacks(&s.m.noStats, "create2")
		return s.createPersistent(ctx, path, data)
	}
	return made.stat, err
}

// settled returns what exists at path after all requests that this session has
// sent. After an answer of a quorum, no request of an earlier connection can
// still be executed. A Sync is not enough: a deposed leader answers it, and
// does not know the requests of another connection.
func (s *Session) settled(ctx context.Context, path string) (presence, error) {
	if _, err := s.ask(ctx, path); err != nil {
		return presence{}, err
	}
	return s.statOf(ctx, path)
}

// look returns what exists at path. With doubt, it calls settled.
func (s *Session) look(ctx context.Context, path string, doubt bool) (presence, error) {
	if doubt {
		return s.settled(ctx, path)
	}
	if err := s.Sync(ctx, path); err != nil {
		return presence{}, err
	}
	return s.statOf(ctx, path)
}

// errMadeAnew says that a write has changed another node than the one that was
// read. It matches ErrNoNode, because the intended node does not exist.
var errMadeAnew = fmt.Errorf("another client has deleted and created the znode since it was read, and the write went into the new znode: %w", Explain(ErrNoNode))

// SetOver writes data into the node, if it is as an earlier read of this
// session has seen it, and returns the new stat. It fails with ErrBadVersion if
// another client has written since, and with ErrNoNode if the node is gone.
//
// If the answer is lost, SetOver reads the node after an answer of a quorum. If
// the node is unchanged, SetOver writes again. If the node holds data, the
// write counts as done. If it has exactly the next version and other data,
// another client was faster, and the error is ErrBadVersion. The outcome stays
// unknown if the node is missing, was replaced, or has a later version. Then,
// and if ctx or the session ends, the error is ErrUnknownOutcome.
//
// Another client may delete and create the node directly before the write, and
// the new node may have the version that was read. Then the error says so, and
// matches ErrNoNode.
func (s *Session) SetOver(ctx context.Context, path string, data []byte, seen Stat) (Stat, error) {
	s.made()
	for n := 0; ; n++ {
		stat, err := s.Set(ctx, path, data, seen.Version)
		switch {
		case err == nil && stat.Czxid != seen.Czxid:
			return stat, &OpError{"set", path, s.ID(), errMadeAnew}
		case !InDoubt(err):
			return stat, err
		}
		doubt := err
		if err := s.Confirm(ctx, path); err != nil {
			return Stat{}, fmt.Errorf("%w; then: %w", doubt, err)
		}
		held, now, err := s.Get(ctx, path)
		var answer *CodeError
		switch {
		case errors.Is(err, ErrNoNode):
			return Stat{}, doubt
		case err != nil:
			return Stat{}, fmt.Errorf("%w; then: %w", doubt, err)
		case now.Czxid != seen.Czxid:
			return now, doubt
		case now.Version == seen.Version && errors.As(doubt, &answer):
			return now, &OpError{"set", path, s.ID(), answer} // the write was not done, and the answer is the reason
		case now.Version == seen.Version: // the write was not done
		case bytes.Equal(held, data):
			return now, nil
		case now.Version == seen.Version+1: // another client was faster, and the write can no longer be done
			return now, &OpError{"set", path, s.ID(), ErrBadVersion}
		default:
			return now, doubt
		}
		s.sleep(ctx, n)
	}
}

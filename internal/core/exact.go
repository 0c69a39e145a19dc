package core

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/znode"
)

// A path does not name a znode for good: others delete it, and make another one
// there, which begins at version 0 again. ZooKeeper's requests can check the
// version alone. What names a node for good is its path together with the
// transaction that made it, Stat.Czxid. The calls here are bound to that: they
// read behind a Sync, compare, and write with the version that they have seen.
//
// What remains is a window of one round trip, between the read's answer and the
// write: a node that others delete and make anew in just that time, and that
// comes to have the version that was seen, cannot be told from the old one.
// Recipes delete and make nodes of their own only, so this takes a stranger who
// deletes a node of another's.

// DeleteExact deletes the node that the transaction czxid has made at path, and
// no other that has come to stand there. It reports whether that node was there;
// that it was not is no error. A lost answer is cleared up by a look, as far as
// ctx and the session last: else the error is ErrUnknownOutcome.
//
// Errors: ErrNotEmpty, ErrNoAuth, and others that a server gives; a
// *CodeError where an answer leaves it open and the node then proves to stand.
func (s *Session) DeleteExact(ctx context.Context, path string, czxid int64) (found bool, err error) {
	s.made()
	if err := znode.Validate(path); err != nil {
		return false, s.refuse("delete", path, err)
	}
	return s.deleteIf(ctx, path, false, func(stat Stat) bool { return stat.Czxid == czxid })
}

// DeleteOwned deletes the node at path if this session has made it, and no other
// that has come to stand there. It is DeleteExact in all else, except that it
// goes on after answers that leave it open, until the node has gone.
func (s *Session) DeleteOwned(ctx context.Context, path string) (found bool, err error) {
	s.made()
	if err := znode.Validate(path); err != nil {
		return false, s.refuse("delete", path, err)
	}
	return s.deleteIf(ctx, path, true, s.owns)
}

func (s *Session) owns(stat Stat) bool { return stat.EphemeralOwner == s.ID() }

// deleteIf deletes the node at path as long as it is the one that is meant. With
// persist the node is one of our own: the session goes on after answers that
// leave it open, until the node has gone; and it deletes the node unseen where
// the server does not let the session look at it. Else the node would stay for
// as long as the session lasts, and be in the way of all.
func (s *Session) deleteIf(ctx context.Context, path string, persist bool, meant func(Stat) bool) (found bool, err error) {
	var doubt error // of a try that may have been done
	for n := 0; ; n++ {
		at, err := s.look(ctx, path, doubt != nil)
		if persist && doubt == nil && errors.Is(err, ErrNoAuth) {
			return s.deleteUnseen(ctx, path)
		}
		switch {
		case err != nil && doubt != nil:
			return false, fmt.Errorf("%w; then: %w", doubt, err)
		case err != nil:
			return false, err
		case !at.found, !meant(at.stat):
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
		case !errors.Is(err, ErrBadVersion): // with which others have written into it: look again
			return true, err
		}
		s.sleep(ctx, n)
	}
}

func (s *Session) deleteUnseen(ctx context.Context, path string) (found bool, err error) {
	err = s.Delete(ctx, path, AnyVersion)
	if errors.Is(err, ErrNoNode) {
		return false, nil
	}
	return true, err
}

// SetExact writes data into the node that the transaction czxid has made at path,
// whatever version it has, and returns the new stat. It fails with ErrNoNode
// where that node is not there, also if another one is. What SetOver says of a
// lost answer holds here too.
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

// CreateOnce is Create of a persistent node that finds out what has become of a
// lost answer, as far as that can be found out. It asks for the parent's stat
// beforehand, a request more: as long as the parent has had no other child made
// or deleted, the create was not done, and is sent again.
//
// Else the error is ErrUnknownOutcome, with ErrNodeExists besides where a node
// stands: it stays open who has made it. Other errors are those of Create.
func (s *Session) CreateOnce(ctx context.Context, path string, data []byte) error {
	s.made()
	if err := cmp.Or(znode.Validate(path), s.fits(s.createSize(s.abs(path), data))); err != nil {
		return s.refuse("create", path, err)
	}
	dir, _ := znode.Split(path)
	before, known, err := s.StatOf(ctx, dir)
	switch {
	case errors.Is(err, ErrNoAuth): // it goes without
	case err != nil:
		return err
	case !known && dir == "/": // which always exists for the caller
		if err := s.EnsureDir(ctx, dir); err != nil {
			return err
		}
	case !known:
		return &OpError{"create", path, s.ID(), ErrNoNode}
	}
	for n := 0; ; n++ {
		_, err := s.Create(ctx, path, data, Persistent)
		if !InDoubt(err) {
			return err
		}
		at, looked := s.settled(ctx, path)
		switch {
		case looked != nil:
			return fmt.Errorf("%w; then: %w", err, looked)
		case at.found:
			return &OpError{"create", path, s.ID(), unknown(ErrNodeExists)}
		case !known:
			return err
		}
		now, found, looked := s.StatOf(ctx, dir)
		switch {
		case looked != nil:
			return fmt.Errorf("%w; then: %w", err, looked)
		case !found, now.Czxid != before.Czxid, now.Pzxid != before.Pzxid:
			return err
		}
		var answer *CodeError
		if errors.As(err, &answer) {
			return &OpError{"create", path, s.ID(), answer} // and it was not done
		}
		s.sleep(ctx, n)
	}
}

// settled tells what exists at path after everything that this session has sent:
// when a quorum has answered, nothing of an earlier connection is under way any
// more. A Sync would not do: a deposed leader answers it, and does not know of
// what was done on another connection.
func (s *Session) settled(ctx context.Context, path string) (presence, error) {
	if _, err := s.ask(ctx, path); err != nil {
		return presence{}, err
	}
	return s.statOf(ctx, path)
}

// look tells what exists at path. With doubt, it is settled.
func (s *Session) look(ctx context.Context, path string, doubt bool) (presence, error) {
	if doubt {
		return s.settled(ctx, path)
	}
	if err := s.Sync(ctx, path); err != nil {
		return presence{}, err
	}
	return s.statOf(ctx, path)
}

// errMadeAnew says that a write has met another node than the one that was
// read. It matches ErrNoNode: the node that was meant is not there.
var errMadeAnew = fmt.Errorf("another client has deleted and created the node since it was read, and the write went into the new node: %w", ErrNoNode)

// SetOver writes data into the node, over what a read of this session has seen
// of it, and returns the new stat. It fails with ErrBadVersion when others
// have written since, and with ErrNoNode when the node has gone.
//
// When the answer is lost, SetOver looks, when a quorum has answered. A node that is as it
// was is written again. One that holds data counts as written. Another node at
// the path, one that others have written into meanwhile, and none, leave it
// open what has become of the write: then, and when ctx or the session ends,
// the error is ErrUnknownOutcome.
//
// Others can have made the node anew in the moment before the write, with the
// version that was seen. The error says so then, and matches ErrNoNode.
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
			return now, &OpError{"set", path, s.ID(), answer} // an answer, and it was not done
		case now.Version == seen.Version: // it was not done
		case bytes.Equal(held, data):
			return now, nil
		case now.Version == seen.Version+1: // others were faster, and ours cannot be done any more
			return now, &OpError{"set", path, s.ID(), ErrBadVersion}
		default:
			return now, doubt
		}
		s.sleep(ctx, n)
	}
}

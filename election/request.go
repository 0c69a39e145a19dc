package election

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/znode"
)

// request is one Transfer under way. It belongs to one session, and to what the
// caller saw: the data version of the line's directory counts the requests, and
// the transaction that makes a request is refused if another has been made since.
// So no request takes effect late, after a newer one was fulfilled.
type request struct {
	election *Election
	session  *core.Session
	id       string
	target   string // the path of the candidate's znode
	leads    string // what the leader that was seen last is called; empty without a leader

	dir  []byte // what the line's directory holds
	seen int32  // the directory's version when the line was looked at

	data []byte // of the request's znode, unlike any other's
	zxid int64  // of the transaction that made the znode
}

// Pauses between attempts to make or to withdraw a request.
const (
	leastTurn = 10 * time.Millisecond
	mostTurn  = time.Second
)

// look finds the candidate that is meant. leads says that it leads already.
func (r *request) look(ctx context.Context) (leads bool, err error) {
	e, s := r.election, r.session
	if err := s.Sync(ctx, e.path); err != nil {
		return false, err
	}
	// The version comes first: a request that is made after it refuses this one.
	data, stat, err := s.Get(ctx, e.path)
	if errors.Is(err, core.ErrNoNode) {
		return false, noCandidate("", nil)
	}
	if err != nil {
		return false, err
	}
	r.dir, r.seen = data, stat.Version
	all, err := e.place.Contenders(ctx)
	if err != nil {
		return false, err
	}
	for _, c := range all {
		if !c.Hidden && string(c.Data) == r.id {
			r.target = c.Path
			return r.target == all[0].Path, nil
		}
	}
	return false, noCandidate("", all)
}

// make makes the request, in place of an older one. If the candidate leads
// already it ends the older one and leaves none. It lasts until the outcome is
// known, at the latest until the session ends.
func (r *request) make(leads bool) error {
	ctx := context.Background() // every operation ends with the session
	e, s := r.election, r.session
	_, name := znode.Split(r.target)
	var err error
	if r.data, err = json.Marshal(wish{ID: r.id, Node: name, Request: znode.NewGUID()}); err != nil {
		return err
	}
	for n := 0; ; n++ {
		if err := line.Pause(ctx, n-2, leastTurn, mostTurn); err != nil {
			return err
		}
		stat, older, err := s.Exists(ctx, e.wishes.path())
		if err != nil {
			return err
		}
		if older && stat.EphemeralOwner == 0 && !core.Hidden(stat) {
			return fmt.Errorf("%s is not a transfer's: it belongs to no session; delete it, or move it elsewhere", e.wishes.path())
		}
		ops := []core.Op{core.SetOp(e.path, r.dir, r.seen), core.CheckOp(r.target, core.AnyVersion)}
		if older {
			ops = append(ops, core.DeleteOp(e.wishes.path(), core.AnyVersion))
		}
		if !leads {
			ops = append(ops, core.CreateOp(e.wishes.path(), r.data, core.Ephemeral))
		}
		results, err := s.Txn(ctx, ops...)
		if core.InDoubt(err) {
			var again bool
			if again, err = r.doubt(ctx, leads); again {
				continue
			}
			return err
		}
		op, _ := core.RefusedOp(err)
		switch {
		case err == nil:
			r.zxid = results[0].Stat.Mzxid
			return nil
		case errors.Is(err, core.ErrBadVersion):
			return ErrOverruled
		case errors.Is(err, core.ErrNoNode) && op < 2:
			return r.void(ctx)
		case errors.Is(err, core.ErrNoNode), errors.Is(err, core.ErrNodeExists):
			continue // the older request came or went since it was looked for
		}
		return err
	}
}

// doubt finds out whether the request was made whose answer was lost. After the
// Sync nothing of an earlier connection is under way any more.
func (r *request) doubt(ctx context.Context, leads bool) (again bool, err error) {
	e, s := r.election, r.session
	if err := s.Confirm(ctx, e.path); err != nil {
		return false, err
	}
	stat, _, err := s.StatOf(ctx, e.path)
	switch {
	case err != nil:
		return false, err
	case stat.Version == r.seen:
		return true, nil
	case leads:
		return false, nil // whoever has written: the older request has gone, or a newer one stands
	}
	data, stat, err := s.Get(ctx, e.wishes.path())
	switch {
	case err == nil && bytes.Equal(data, r.data):
		r.zxid = stat.Czxid
		return false, nil
	case err == nil, errors.Is(err, core.ErrNoNode):
		return false, ErrOverruled
	}
	return false, err
}

// withdraw deletes the request, and no other: a newer one has the same path. It
// lasts until the request is gone, at the latest until the session ends.
func (r *request) withdraw() {
	ctx := context.Background() // every operation ends with the session
	e, s := r.election, r.session
	for n := 0; ; n++ {
		if err := line.Pause(ctx, n-2, leastTurn, mostTurn); err != nil {
			return
		}
		dir, found, err := s.StatOf(ctx, e.path)
		if err != nil || !found {
			return // the session's end removes it
		}
		data, _, err := s.Get(ctx, e.wishes.path())
		if err != nil || !bytes.Equal(data, r.data) {
			return
		}
		_, err = s.Txn(ctx, core.CheckOp(e.path, dir.Version), core.DeleteOp(e.wishes.path(), core.AnyVersion))
		if !core.InDoubt(err) && !errors.Is(err, core.ErrBadVersion) {
			return
		}
	}
}

// wait waits until the candidate is first in line, or something has ended the
// request.
func (r *request) wait(ctx context.Context) error {
	for {
		if done, err := r.step(ctx); done || err != nil {
			return err
		}
	}
}

// step looks whether the request is fulfilled or void, and waits for a change.
func (r *request) step(ctx context.Context) (done bool, err error) {
	e, s := r.election, r.session
	first, found, line, err := e.place.FirstW(ctx, s)
	if err != nil {
		return false, err
	}
	defer line.Stop()
	if found && first.Path == r.target {
		return true, nil
	}
	if r.leads = ""; found {
		r.leads = called(first)
	}
	_, _, target, err := s.GetW(ctx, r.target) // which leaves no watch on a znode that is gone
	switch {
	case errors.Is(err, core.ErrNoNode):
		return false, r.void(ctx)
	case err != nil:
		return false, err
	}
	defer target.Stop()
	_, stat, own, err := s.GetW(ctx, e.wishes.path())
	switch {
	case errors.Is(err, core.ErrNoNode):
		return false, r.gone(ctx)
	case err != nil:
		return false, err
	}
	defer own.Stop()
	if stat.Czxid != r.zxid {
		return false, ErrOverruled
	}
	select {
	case <-line.Done():
	case <-target.Done():
	case <-own.Done():
	case <-ctx.Done():
	case <-s.Done():
		return false, fmt.Errorf("%w: %w", core.ErrSessionEnded, s.Err())
	}
	return false, ctx.Err()
}

// gone says why the request's znode is not there any more. A server that has
// expired the session reports the deletion before it hangs up.
func (r *request) gone(ctx context.Context) error {
	stat, found, err := r.session.StatOf(ctx, r.election.path)
	switch {
	case err != nil:
		return err
	case !found:
		return noCandidate(" any more", nil)
	case stat.Version > r.seen+1:
		return ErrOverruled
	}
	return fmt.Errorf("%w: its znode %s was deleted, by another client or with the session", ErrInterrupted, r.election.wishes.path())
}

// void says why the candidate is not there any more: it has gone, unless it has
// stepped aside for a newer request.
func (r *request) void(ctx context.Context) error {
	stat, found, err := r.session.StatOf(ctx, r.election.path)
	switch {
	case err != nil:
		return err
	case found && r.zxid != 0 && stat.Version > r.seen+1:
		return ErrOverruled
	}
	all, err := r.election.place.Contenders(ctx)
	if err != nil {
		return err
	}
	return noCandidate(" any more: it went before it led", all)
}

// aftermath says what came of a request whose session has ended.
func (r *request) aftermath(ctx context.Context, cause error) error {
	e := r.election
	err := e.sm.Confirm(ctx, e.path)
	var first line.Contender
	var found bool
	if err == nil {
		first, found, err = e.place.First(ctx)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w; who leads now is not known: %w", ErrInterrupted, cause, line.GaveUp(ctx, err))
	case found && first.Path == r.target:
		return nil
	case found:
		return fmt.Errorf("%w: %w; %s leads", ErrInterrupted, cause, called(first))
	}
	return fmt.Errorf("%w: %w; no candidate stands", ErrInterrupted, cause)
}

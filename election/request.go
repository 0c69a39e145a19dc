package election

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
)

// request is the state of one Transfer. It belongs to one session, and to the
// directory's version at the caller's look. That version counts the requests:
// the transaction of a request is refused if another request was made since. So
// a late request cannot take effect after a newer one was fulfilled.
type request struct {
	election *Election
	session  *core.Session
	id       string
	target   string // the path of the candidate's znode
	leads    string // the leader that was seen last, for errors; empty without a leader

	dir  []byte // the directory's data
	seen int32  // the directory's version at the look

	data []byte // of the request's znode; unique
	zxid int64  // of the transaction that made the znode
}

// look finds the candidate with the id. leads says that it leads already.
func (r *request) look(ctx context.Context) (leads bool, err error) {
	e, s := r.election, r.session
	if err := s.Sync(ctx, e.path); err != nil {
		return false, err
	}
	// The version is read first: a request that is made after this read makes
	// the transaction fail.
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

// make makes the request in place of an older one. If the candidate leads
// already, it only deletes the older request. It returns when the outcome is
// known, at the latest when the session ends.
func (r *request) make(leads bool) error {
	ctx := context.Background() // every operation ends with the session
	e, s := r.election, r.session
	_, name := znode.Split(r.target)
	var err error
	if r.data, err = json.Marshal(requestData{ID: r.id, Node: name, Request: znode.NewGUID()}); err != nil {
		return err
	}
	for n := 0; ; n++ {
		if err := backoff.Lost.Wait(ctx, n-2); err != nil {
			return err
		}
		stat, older, err := s.Exists(ctx, e.requests.path())
		if err != nil {
			return err
		}
		if older && core.Lasting(stat) {
			return fmt.Errorf("%s is not a transfer request: %w", e.requests.path(), core.ErrNotEphemeral)
		}
		ops := []core.Op{core.SetOp(e.path, r.dir, r.seen), core.CheckOp(r.target, core.AnyVersion)}
		if older {
			ops = append(ops, core.DeleteOp(e.requests.path(), core.AnyVersion))
		}
		if !leads {
			ops = append(ops, core.CreateOp(e.requests.path(), r.data, core.Ephemeral))
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
			return ErrTransferSuperseded
		case errors.Is(err, core.ErrNoNode) && op < 2:
			return r.void(ctx)
		case errors.Is(err, core.ErrNoNode), errors.Is(err, core.ErrNodeExists):
			continue // the older request came or went since it was looked for
		}
		return err
	}
}

// doubt finds out whether a request was made whose answer was lost. After
// Confirm no request of an earlier connection can take effect.
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
		return false, nil // the older request is gone, or a newer one has replaced it
	}
	data, stat, err := s.Get(ctx, e.requests.path())
	switch {
	case err == nil && bytes.Equal(data, r.data):
		r.zxid = stat.Czxid
		return false, nil
	case err == nil, errors.Is(err, core.ErrNoNode):
		return false, ErrTransferSuperseded
	}
	return false, err
}

// withdraw deletes the request. It spares a newer request, which has the same
// path. It returns when the request is gone, at the latest when the session
// ends.
func (r *request) withdraw() {
	ctx := context.Background() // every operation ends with the session
	e, s := r.election, r.session
	for n := 0; ; n++ {
		if err := backoff.Lost.Wait(ctx, n-2); err != nil {
			return
		}
		dir, found, err := s.StatOf(ctx, e.path)
		if err != nil || !found {
			return // the session's end removes it
		}
		data, _, err := s.Get(ctx, e.requests.path())
		if err != nil || !bytes.Equal(data, r.data) {
			return
		}
		_, err = s.Txn(ctx, core.CheckOp(e.path, dir.Version), core.DeleteOp(e.requests.path(), core.AnyVersion))
		if !core.InDoubt(err) && !errors.Is(err, core.ErrBadVersion) {
			return
		}
	}
}

// wait waits until the candidate is first in the queue, or something has ended
// the request.
func (r *request) wait(ctx context.Context) error {
	for {
		if done, err := r.step(ctx); done || err != nil {
			return err
		}
	}
}

// step reports whether the request is fulfilled, or returns why it is void, or
// waits for a change.
func (r *request) step(ctx context.Context) (done bool, err error) {
	e, s := r.election, r.session
	first, found, leader, err := e.place.FirstW(ctx, s)
	if err != nil {
		return false, err
	}
	defer leader.Stop()
	if found && first.Path == r.target {
		return true, nil
	}
	if r.leads = ""; found {
		r.leads = called(first)
	}
	_, _, target, err := s.GetW(ctx, r.target) // leaves no watch on a znode that is gone
	switch {
	case errors.Is(err, core.ErrNoNode):
		return false, r.void(ctx)
	case err != nil:
		return false, err
	}
	defer target.Stop()
	_, stat, own, err := s.GetW(ctx, e.requests.path())
	switch {
	case errors.Is(err, core.ErrNoNode):
		return false, r.gone(ctx)
	case err != nil:
		return false, err
	}
	defer own.Stop()
	if stat.Czxid != r.zxid {
		return false, ErrTransferSuperseded
	}
	select {
	case <-leader.Done():
	case <-target.Done():
	case <-own.Done():
	case <-ctx.Done():
	case <-s.Done():
		return false, fmt.Errorf("%w: %w", core.ErrSessionEnded, s.Err())
	}
	return false, ctx.Err()
}

// gone returns why the request's znode has disappeared. A server that has
// expired the session reports the deletion before it closes the connection.
func (r *request) gone(ctx context.Context) error {
	stat, found, err := r.session.StatOf(ctx, r.election.path)
	switch {
	case err != nil:
		return err
	case !found:
		return noCandidate(" any more", nil)
	case stat.Version > r.seen+1:
		return ErrTransferSuperseded
	}
	return fmt.Errorf("%w: its znode %s was deleted, by another client or with the session", ErrInterrupted, r.election.requests.path())
}

// void returns why the candidate's node has disappeared: the candidate has
// gone, or has stepped aside for a newer request.
func (r *request) void(ctx context.Context) error {
	stat, found, err := r.session.StatOf(ctx, r.election.path)
	switch {
	case err != nil:
		return err
	case found && r.zxid != 0 && stat.Version > r.seen+1:
		return ErrTransferSuperseded
	}
	all, err := r.election.place.Contenders(ctx)
	if err != nil {
		return err
	}
	return noCandidate(" any more: it went before it led", all)
}

// aftermath returns the result of a request whose session has ended.
func (r *request) aftermath(ctx context.Context, cause error) error {
	e := r.election
	err := e.sm.Confirm(ctx, e.path)
	var first waitqueue.Contender
	var found bool
	if err == nil {
		first, found, err = e.place.First(ctx)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w; the present leader is not known: %w", ErrInterrupted, cause, ctxend.Join(ctx, err))
	case found && first.Path == r.target:
		return nil
	case found:
		return fmt.Errorf("%w: %w; %s leads", ErrInterrupted, cause, called(first))
	}
	return fmt.Errorf("%w: %w; there is no candidate", ErrInterrupted, cause)
}

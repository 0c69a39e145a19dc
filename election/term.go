package election

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// Term is one leadership, from its beginning to its end. Its methods Context,
// Done, Err, Guard, Deadline and others are those that session.Hold documents.
// Token is the number of the term, which is greater than the numbers of all
// earlier terms on the path. A Term is safe for concurrent use. Campaign and
// Run make Terms: the methods of a nil or zero Term panic.
type Term struct {
	session.Hold
	election *Election

	listen      sync.Once
	transferred chan struct{} // made by listen
}

// Resign ends the term: first its context, then the candidate's znode, so that
// the next candidate leads. It takes no ctx, so that it works after the ctx of
// its caller has ended. Resign may be called more than once, and from several
// goroutines; all calls return the same. The error is nil if the term lasted
// until the first call. Otherwise it matches session.ErrLost, or says why the
// znode cannot be removed.
func (t *Term) Resign() error {
	misuse.ZeroValue(t == nil || t.election == nil, "or nil election.Term", "Election.Campaign or Election.Run")
	return t.election.failed("resign", t.Release())
}

// Transferred returns a channel that is closed when a Transfer names another
// candidate. The leader should then finish its work, resign, and campaign again
// if it wants to. A leader that ignores the channel stays the leader. Run does
// all of that.
func (t *Term) Transferred() <-chan struct{} {
	misuse.ZeroValue(t == nil || t.election == nil, "or nil election.Term", "Election.Campaign or Election.Run")
	t.listen.Do(func() {
		t.transferred = make(chan struct{})
		if t.election.requests != nil {
			go t.await()
		}
	})
	return t.transferred
}

// await closes transferred when a request names another candidate. It ends with
// the term.
func (t *Term) await() {
	for failures := 0; t.Err() == nil; {
		seen, err := t.election.requests.look(t.Context(), bridge.CoreHold(&t.Hold).Session())
		var other string
		if err == nil {
			other, err = t.election.requests.names(t.Context(), seen, bridge.CoreHold(&t.Hold))
		}
		switch {
		case err != nil:
			failures++
			// An error means the end of the term, which ends the loop.
			_ = retryPauses.Wait(t.Context(), failures-1)
			continue
		case other != "":
			close(t.transferred)
			return
		}
		failures = 0
		select {
		case <-seen.watch.Done():
		case <-t.Done():
		}
	}
}

// errFixedID is the error of UpdatePayload in layouts other than OneNode.
var errFixedID = errors.New("the znode holds the candidate's id, which cannot be updated: only the OneNode layout has a payload")

// UpdatePayload replaces the payload of the leader. Only the OneNode layout can
// do that. In other layouts a candidate in Java stops watching its predecessor
// once the predecessor's data has changed.
//
// UpdatePayload checks that the znode is the znode of this term, and does not
// write to the znode of a later leader. One case is left: between the check and
// the write another client deletes the znode, and the next leader creates a new
// one.
//
// ctx bounds the requests. The error matches session.ErrLost if the term was
// lost, session.ErrReleased after Resign, and session.ErrUnknownOutcome if it
// is not known whether the payload was written. Other errors: the error of ctx;
// session.ErrTooLarge. UpdatePayload is safe for concurrent use.
func (t *Term) UpdatePayload(ctx context.Context, payload []byte) error {
	misuse.ZeroValue(t == nil || t.election == nil, "or nil election.Term", "Election.Campaign or Election.Run")
	return t.election.failed("update payload", t.updatePayload(ctx, payload))
}

func (t *Term) updatePayload(ctx context.Context, payload []byte) error {
	if t.election.format != OneNode {
		return errFixedID
	}
	if err := t.Err(); err != nil {
		return err
	}
	// The token is the zxid that created the node.
	_, err := bridge.CoreHold(&t.Hold).Session().SetExact(ctx, t.Path(), contents(payload), t.Token())
	if errors.Is(err, core.ErrNoNode) {
		return fmt.Errorf("%w: %w", core.ErrDeleted, err)
	}
	return err
}

package election

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/session"
)

// Term is one leadership, from the moment it was won until it ends. See
// session.Hold for what it can do: Context, Done, Err, Guard, Deadline and
// others. Token is the number of the term: greater than that of every earlier
// term on the path.
type Term struct {
	session.Hold
	election *Election

	listen sync.Once
	asked  chan struct{}
}

// Resign ends the term: first its context, then the candidate's node, so that
// the next candidate leads. It needs no context, and may be called any number
// of times, late and concurrently; all calls return the same. The error is nil
// if the term lasted until the first call, and otherwise matches
// session.ErrLost, or says why the node cannot be removed.
func (t *Term) Resign() error {
	misuse.ZeroValue(t == nil || t.election == nil, "or nil election.Term", "Election.Campaign or Election.Run")
	return t.Release()
}

// Transferred returns a channel that is closed when somebody has named another
// leader (Election.Transfer): the leader then finishes what it does, resigns,
// and campaigns again if it wants to. One that does not look goes on leading.
// Run sees to all of that.
func (t *Term) Transferred() <-chan struct{} {
	misuse.ZeroValue(t == nil || t.election == nil, "or nil election.Term", "Election.Campaign or Election.Run")
	t.listen.Do(func() {
		t.asked = make(chan struct{})
		if t.election.wishes != nil {
			go t.await()
		}
	})
	return t.asked
}

// await closes asked when another is named. It ends with the term.
func (t *Term) await() {
	for failures := 0; t.Err() == nil; {
		l, err := t.election.wishes.look(t.Context(), bridge.CoreHold(&t.Hold).Session())
		var other string
		if err == nil {
			other, err = t.election.wishes.names(t.Context(), l, bridge.CoreHold(&t.Hold))
		}
		switch {
		case err != nil:
			failures++
			_ = line.Pause(t.Context(), failures-1, leastRetry, mostRetry) // fails when the term has ended, as the loop sees
			continue
		case other != "":
			close(t.asked)
			return
		}
		failures = 0
		select {
		case <-l.watch.Done():
		case <-t.Done():
		}
	}
}

// errFixed says why a line has no payload that can be updated.
var errFixed = errors.New("only in the OneNode layout has a candidate a payload besides its id")

// UpdatePayload replaces the payload of the leader, for all who observe. Only
// the OneNode layout can do that: where candidates stand in line, one in Java
// would not notice any more when the node before it goes, once that has been
// written to.
//
// It writes to the node of this term: it looks at the node first, and leaves that
// of a later leader alone. One case is left: a stranger deletes the node, and
// the next leader makes another, both between the look and the write.
//
// ctx bounds the requests. The error matches session.ErrLost when the term has
// ended, and session.ErrUnknownOutcome when it is open whether the payload was
// written.
func (t *Term) UpdatePayload(ctx context.Context, payload string) error {
	misuse.ZeroValue(t == nil || t.election == nil, "or nil election.Term", "Election.Campaign or Election.Run")
	err := errFixed
	if t.election.layout == oneNode {
		if err = t.Err(); err == nil {
			_, err = bridge.CoreHold(&t.Hold).Session().SetExact(ctx, t.Path(), []byte(payload), t.Token()) // which is the zxid that made the node
			if errors.Is(err, core.ErrNoNode) {
				err = fmt.Errorf("%w: %w", core.ErrDeleted, err)
			}
		}
	}
	if err != nil {
		return t.election.fail("update the payload of the leader of", err)
	}
	return nil
}

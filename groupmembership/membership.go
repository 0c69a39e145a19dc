package groupmembership

import (
	"context"
	"iter"

	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/standing"
)

// Membership is one member's place in a group. It is kept from one session to
// the next until Leave. It is safe for concurrent use.
type Membership struct {
	id, path string
	node     *standing.Node
}

// State says whether a member is in its group.
type State struct {
	// In says that the member's node is known to stand, in a session that can
	// be trusted still.
	In bool
	// Why is why the member is out, and nil while it is in: an error that
	// matches session.ErrLost (its session has ended, or somebody has deleted
	// its node), ErrReplaced, ErrDuplicate, ErrNotMember, ErrLeft, or what a
	// server refused. In all cases but ErrLeft and session.ErrClosed it comes
	// back in by itself when it can.
	Why error
	// Token is the zxid with which the node was made: it grows each time the
	// member comes in. While it is out it is the last.
	Token int64
	// Session is the id of the session that the node stands in, 0 while the
	// member is out.
	Session int64
}

func stateOf(s *standing.State) State {
	if !s.Standing() {
		return State{Why: explained(s.Why), Token: s.Czxid}
	}
	return State{In: true, Token: s.Czxid, Session: s.Session.ID()}
}

func (s State) same(other State) bool {
	if s.Why == nil || other.Why == nil {
		return s == other
	}
	return s.Token == other.Token && s.Why.Error() == other.Why.Error()
}

// made panics for a Membership that Join has not made.
func (m *Membership) made() {
	misuse.ZeroValue(m == nil || m.node == nil, "or nil groupmembership.Membership", "Group.Join")
}

// ID returns the member's id.
func (m *Membership) ID() string {
	m.made()
	return m.id
}

// Path returns the path of the member's node.
func (m *Membership) Path() string {
	m.made()
	return m.path
}

// State returns whether the member is in the group, without asking a server:
// once the session can no longer be trusted it says no, although others may
// see the member for a while.
func (m *Membership) State() State {
	m.made()
	return stateOf(m.node.State())
}

// Changes yields the present state, and then every newer one, until ctx ends or
// the membership does: its last state, with ErrLeft, ends the sequence, and so
// does the error session.ErrClosed. States that pass while the loop body runs
// are left out.
func (m *Membership) Changes(ctx context.Context) iter.Seq2[State, error] {
	m.made()
	return func(yield func(State, error) bool) {
		var last State
		for ctx.Err() == nil {
			err := m.node.Err() // before the state, which is the last then
			now := m.node.State()
			state := stateOf(now)
			switch {
			case err != nil && explained(err) == ErrLeft:
				if !state.same(last) { // else it was told before the node had ended
					yield(state, nil)
				}
				return
			case err != nil:
				yield(State{}, failed("follow the membership", m.path, err))
				return
			case state.same(last): // the node tells what the end of the session told
			case !yield(state, nil):
				return
			}
			last = state
			if !m.next(ctx, now) {
				return
			}
		}
	}
}

// next waits until there is a newer state. It reports whether there is one.
func (m *Membership) next(ctx context.Context, now *standing.State) bool {
	var ended <-chan struct{}
	if now.Standing() {
		ended = now.Session.Done()
	}
	select {
	case <-now.Next():
		return true
	case <-ended:
		return true
	case <-m.node.Done():
		return true
	case <-ctx.Done():
		return false
	}
}

// UpdatePayload gives the member a new payload, now and in all later sessions,
// and waits until others can see it, or that of a later update.
//
// ctx bounds the wait alone: when it ends first, the payload is written all the
// same when that can be done. Any other error means that nothing has changed
// and that nothing will: session.ErrTooLarge; what a server answers, such as
// session.ErrNoAuth; ErrReplaced and ErrDuplicate while somebody else has the
// place; ErrLeft; session.ErrClosed.
func (m *Membership) UpdatePayload(ctx context.Context, payload []byte) error {
	m.made()
	return failed("update", m.path, m.node.Set(ctx, payload))
}

// Done returns a channel that is closed when the membership has ended for good:
// after Leave, once the member is out, or when the Manager is closed.
func (m *Membership) Done() <-chan struct{} {
	m.made()
	return m.node.Done()
}

// Leave takes the member out of the group and returns once its node is gone,
// which takes at most as long as the session can last without a server; it
// needs no context, so that it works after the caller's has ended. It may be
// called any number of times. An error says why a server refuses to remove the
// node, which then goes on being tried, and goes with its session at the latest.
func (m *Membership) Leave() error {
	m.made()
	return failed("leave", m.path, m.node.Close(context.Background()))
}

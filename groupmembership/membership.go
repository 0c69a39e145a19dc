package groupmembership

import (
	"context"
	"iter"

	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/standing"
)

// Membership is the place of one member in a group. It is kept from one session
// to the next until Leave. It is safe for concurrent use.
type Membership struct {
	id, path string
	node     *standing.Node
}

// State says whether a member is in its group.
type State struct {
	// In says that the member's znode is known to exist, in a session that can
	// still be trusted.
	In bool
	// Why is the reason why the member is out, and nil while it is in. It is an
	// error that matches session.ErrLost (the session has ended, or another
	// client has deleted the znode), ErrReplaced, ErrDuplicate, ErrNotMember,
	// ErrLeft, or what a server refused. After ErrLeft and session.ErrClosed
	// the member stays out. After every other error it comes back in by itself
	// when it can.
	Why error
	// Token is the zxid of the znode's create. It grows each time the member
	// comes in. While the member is out, it is the last one.
	Token int64
	// Session is the id of the session that owns the znode, and 0 while the
	// member is out.
	Session int64
}

func stateOf(s *standing.State) State {
	if !s.Standing() {
		return State{Why: s.Err, Token: s.Czxid}
	}
	return State{In: true, Token: s.Czxid, Session: s.Session.ID()}
}

func (s State) same(other State) bool {
	if s.Why == nil || other.Why == nil {
		return s == other
	}
	return s.Token == other.Token && s.Why.Error() == other.Why.Error()
}

// made panics for a Membership that was not made by Join.
func (m *Membership) made() {
	misuse.ZeroValue(m == nil || m.node == nil, "or nil groupmembership.Membership", "Group.Join")
}

// ID returns the member's id.
func (m *Membership) ID() string {
	m.made()
	return m.id
}

// Path returns the path of the member's znode.
func (m *Membership) Path() string {
	m.made()
	return m.path
}

// State returns whether the member is in the group. It sends no request. If the
// session can no longer be trusted, State.In is false, although others may see
// the member for a while.
func (m *Membership) State() State {
	m.made()
	return stateOf(m.node.State())
}

// Changes yields the present state, and then every newer one, until ctx ends or
// the membership ends. After Leave, the last state has ErrLeft. If the Manager
// is closed, the last element is the error session.ErrClosed. States that pass
// while the loop body runs are left out.
func (m *Membership) Changes(ctx context.Context) iter.Seq2[State, error] {
	m.made()
	return func(yield func(State, error) bool) {
		var last State
		for ctx.Err() == nil {
			err := m.node.Err() // before State: if err is set, the state is the last
			now := m.node.State()
			state := stateOf(now)
			switch {
			case err == ErrLeft:
				if !state.same(last) { // otherwise it was yielded before the node ended
					yield(state, nil)
				}
				return
			case err != nil:
				yield(State{}, failed("follow the membership", m.path, err))
				return
			case state.same(last): // already yielded when the session ended
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

// next waits until there is a newer state. It returns false if ctx has ended
// first.
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
// and waits until others can see it, or a later update.
//
// ctx bounds only the wait. If it ends first, the payload is still written if
// possible. Any other error means that nothing has changed and that nothing
// will: session.ErrTooLarge; what the server answers, such as
// session.ErrNoAuth; ErrReplaced and ErrDuplicate while another process has the
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

// Leave takes the member out of the group. It returns once the znode is gone,
// which takes at most as long as the session can last without a server.
//
// ctx bounds only the wait: the removal begins even if ctx has ended, and goes
// on in the background. Leave may be called any number of times; after an error
// it tries again at once. An error says why a server refuses to delete the
// znode, or that ctx has ended. The znode goes with its session at the latest.
func (m *Membership) Leave(ctx context.Context) error {
	m.made()
	return failed("leave", m.path, m.node.Close(ctx))
}

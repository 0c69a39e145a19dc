package groupmembership

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/internal/recipe/standing"
	"github.com/docent-go/docent/session"
)

// Membership is the place of one member in a group. Group.Join returns one. It
// is kept from one session to the next until Leave. It is safe for concurrent
// use.
type Membership struct {
	id, path string
	node     *standing.Node
}

// failed returns the error of a verb, which names the member by its path.
func (m *Membership) failed(op string, err error) error {
	return core.Failed(op, m.path, err)
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

// State returns whether the member is in the group, as far as this process
// knows. It sends no request. If the session can no longer be trusted, In is
// false, although others may see the member for a while.
func (m *Membership) State() session.Presence {
	m.made()
	return owner.PresenceOf(m.node.State())
}

// Changes yields the present state, and then every newer one, until ctx ends or
// the membership ends. After Leave, the Err of the last state matches
// session.ErrReleased. If the Manager is closed, the last element is the error
// session.ErrClosed. States that pass while the loop body runs are left out.
// Several goroutines may loop at a time.
func (m *Membership) Changes(ctx context.Context) iter.Seq2[session.Presence, error] {
	m.made()
	return func(yield func(session.Presence, error) bool) {
		var last session.Presence
		for ctx.Err() == nil {
			err := m.node.Err() // before State: if err is set, the state is the last
			now := m.node.State()
			state := owner.PresenceOf(now)
			switch {
			case err != nil && errors.Is(err, core.ErrReleased):
				if !owner.SamePresence(state, last) { // otherwise it was yielded before the node ended
					yield(state, nil)
				}
				return
			case err != nil:
				yield(session.Presence{}, m.failed("watch membership", err))
				return
			case owner.SamePresence(state, last): // already yielded when the session ended
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
// possible. After any other error nothing has changed, and nothing will:
// session.ErrTooLarge; what the server answers, such as session.ErrNoAuth;
// session.ErrReplaced and session.ErrIDTaken while another process has the
// place; session.ErrReleased after Leave; session.ErrClosed. Of several updates
// at a time, the last call wins.
func (m *Membership) UpdatePayload(ctx context.Context, payload []byte) error {
	m.made()
	err := m.node.Set(ctx, payload)
	if err == core.ErrReleased {
		err = errLeft
	}
	return m.failed("update member", err)
}

// errLeft is the error of an update after Leave.
var errLeft = fmt.Errorf("%w: Leave was called", core.ErrReleased)

// Done returns a channel that is closed when the membership has ended for good:
// after Leave, once the member is out, or when the Manager is closed.
func (m *Membership) Done() <-chan struct{} {
	m.made()
	return m.node.Done()
}

// Leave takes the member out of the group. It returns once the znode is gone,
// or, if no server answers, once the session has ended on our side. The servers
// then delete the znode when the session times out.
//
// ctx bounds only the wait: the removal begins even if ctx has ended, and goes
// on in the background. Leave may be called any number of times; after an error
// it tries again at once. An error says why a server rejects the deletion, or
// that ctx has ended. The znode goes with its session at the latest.
func (m *Membership) Leave(ctx context.Context) error {
	m.made()
	return m.failed("leave group", m.node.Close(ctx))
}

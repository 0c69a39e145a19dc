package election

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/docent-go/docent/internal/line"
)

// ErrNoLeader says that the election has no leader. Leader returns it.
var ErrNoLeader = errors.New("there is no leader")

// Participant is a candidate as its node describes it.
type Participant struct {
	// ID is the candidate's id. LeaderLatch may leave it empty. In the OneNode
	// layout the node has the payload alone: ID is the payload then, or empty
	// if the payload is not UTF-8.
	ID string
	// Payload is the node's data. In layouts other than OneNode that is the id.
	Payload string
	// Since is the time at which the candidate joined, by the clock of the
	// ensemble's leader.
	Since time.Time
	// Token is the zxid that created the candidate's node. The Token of its
	// Term is not smaller.
	Token int64
	// Session is the id of the session that owns the node; 0 for a node that is
	// not ephemeral.
	Session int64
	// Path is the path of the node.
	Path string
	// Hidden says that the node's ACL does not let this session read it. ID and
	// Payload are empty then, and fields that the server does not send are
	// zero.
	Hidden bool
}

// Leader is the present leader: the first participant. The zero value is a
// vacancy: the election has no leader.
type Leader struct{ Participant }

// Vacant reports whether the election has no leader.
func (l Leader) Vacant() bool { return l.Path == "" }

func participant(c line.Contender) Participant {
	id := string(c.Data)
	if !utf8.ValidString(id) {
		id = ""
	}
	return Participant{
		ID:      id,
		Payload: string(c.Data),
		Since:   c.Since(),
		Token:   c.Stat.Czxid,
		Session: c.Stat.EphemeralOwner,
		Path:    c.Path,
		Hidden:  c.Hidden,
	}
}

// Leader returns the present leader, as the connected server knows it. The
// server may lag behind. The leader may not know yet that it leads, or may just
// have lost the leadership: base decisions on a Term, not on Leader. A leader
// whose node may not be read is returned with Hidden.
//
// ctx bounds the reads. Errors: ErrNoLeader; the error of ctx;
// session.ErrClosed; an invalid path or option; session.ErrNoAuth if the
// session may not list the directory. Leader is safe for concurrent use.
func (e *Election) Leader(ctx context.Context) (Leader, error) {
	e.made()
	if e.err != nil {
		return Leader{}, e.fail("look for the leader of", e.err)
	}
	c, found, err := e.place.First(ctx)
	if err == nil && !found {
		err = ErrNoLeader
	}
	if err != nil {
		return Leader{}, e.fail("look for the leader of", err)
	}
	return Leader{participant(c)}, nil
}

// Participants lists the candidates in the order in which they will lead, the
// leader first. The list is as the connected server knows it, which may lag
// behind. An election without candidates has an empty list.
//
// ctx bounds the reads. The errors are those that Leader lists, without
// ErrNoLeader. Participants is safe for concurrent use.
func (e *Election) Participants(ctx context.Context) ([]Participant, error) {
	e.made()
	if e.err != nil {
		return nil, e.fail("list the participants of", e.err)
	}
	nodes, err := e.place.Contenders(ctx)
	if err != nil {
		return nil, e.fail("list the participants of", err)
	}
	all := make([]Participant, len(nodes))
	for i, node := range nodes {
		all[i] = participant(node)
	}
	return all, nil
}

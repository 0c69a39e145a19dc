package election

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/docent-go/docent/internal/line"
)

// ErrNoLeader is returned by Leader when nobody leads.
var ErrNoLeader = errors.New("there is no leader")

// Participant is a candidate, as its node tells.
type Participant struct {
	// ID is the candidate's name. LeaderLatch may leave it empty. In the OneNode
	// layout the node holds nothing but the payload: then it is that, or empty
	// if that is no text.
	ID string
	// Payload is what the node holds, as it is: where candidates stand in
	// line, the id.
	Payload string
	// Since is when the candidate joined, by the clock of the ensemble's leader.
	Since time.Time
	// Token is the zxid with which the candidate's node was made: the least
	// that the Token of its Term can be.
	Token int64
	// Session is the id of the session that owns the node; 0 for a node that is
	// not ephemeral.
	Session int64
	// Path is the node's.
	Path string
	// Hidden says that the node's ACL does not let this session read it. ID and
	// Payload are empty then, and whatever else the server keeps back is zero.
	Hidden bool
}

// Leader is who leads: the participant who is first in line. The zero value
// says that nobody does.
type Leader struct{ Participant }

// Vacant reports whether nobody leads.
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

// Leader returns who leads, or ErrNoLeader. It tells what the server that we
// are connected to knows, which may lag behind, and the leader may not know yet that it leads, or
// may just have lost it: see Term for what decisions can stand on.
//
// A leader whose node may not be read is returned with Hidden.
//
// ctx bounds the reads. Other errors: ctx's; session.ErrClosed; an invalid
// path; session.ErrNoAuth when we may not list the directory.
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
// leader first. What is said of Leader holds for it too; an election without
// candidates is no error.
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

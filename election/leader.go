package election

import (
	"bytes"
	"context"
	"unicode/utf8"

	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
	"github.com/docent-go/docent/session"
)

// Participant is a candidate as its znode describes it.
type Participant struct {
	// Owner has the candidate's id, which LeaderLatch may leave empty. In the
	// OneNode layout the znode has the payload alone: ID is the payload then,
	// or empty if the payload is not UTF-8. The znode does not tell host and
	// process. The Token of the candidate's Term is not smaller than Token.
	session.Owner
	// Payload is the znode's data. In layouts other than OneNode that is the
	// id. It is nil if the znode is Hidden.
	Payload []byte `json:"payload,omitempty"`
}

// Leader is the present leader: the first participant.
type Leader struct {
	// Exists says whether the election has a leader. Without one, all fields are
	// zero.
	Exists bool `json:"exists"`
	Participant
}

// same reports whether nothing about the leader has changed.
func (l Leader) same(other Leader) bool {
	return l.Exists == other.Exists && l.Owner == other.Owner && bytes.Equal(l.Payload, other.Payload)
}

func participant(c waitqueue.Contender) Participant {
	p := Participant{Owner: owner.Of(c.Path, c.Stat), Payload: c.Data}
	p.Hidden = c.Hidden
	if utf8.Valid(c.Data) {
		p.ID = string(c.Data)
	}
	return p
}

// Leader returns the present leader, as the connected server knows it. The
// server may lag behind. The leader may not know yet that it leads, or may just
// have lost the leadership: base decisions on a Term, not on Leader. A leader
// whose znode may not be read is returned with Hidden. An election without a
// leader is not an error: Exists is false.
//
// ctx bounds the reads. Errors: the error of ctx; session.ErrClosed; an invalid
// path or option; session.ErrNoAuth if the session may not list the directory;
// session.ErrNotEphemeral in the OneNode layout, as from Campaign.
// Leader is safe for concurrent use.
func (e *Election) Leader(ctx context.Context) (Leader, error) {
	e.made()
	if e.err != nil {
		return Leader{}, e.failed("find leader", e.err)
	}
	c, found, err := e.place.First(ctx)
	if err != nil || !found {
		return Leader{}, e.failed("find leader", e.otherLayout(err))
	}
	return Leader{true, participant(c)}, nil
}

// Participants lists the candidates in the order in which they will lead, the
// leader first. The list is as the connected server knows it, which may lag
// behind. An election without candidates has an empty list.
//
// ctx bounds the reads. Errors: the error of ctx; session.ErrClosed; an invalid
// path or option; session.ErrNoAuth if the session may not list the directory;
// session.ErrNotEphemeral in the OneNode layout, as from Campaign.
// Participants is safe for concurrent use.
func (e *Election) Participants(ctx context.Context) ([]Participant, error) {
	e.made()
	if e.err != nil {
		return nil, e.failed("list participants", e.err)
	}
	nodes, err := e.place.Contenders(ctx)
	if err != nil {
		return nil, e.failed("list participants", e.otherLayout(err))
	}
	all := make([]Participant, len(nodes))
	for i, node := range nodes {
		all[i] = participant(node)
	}
	return all, nil
}

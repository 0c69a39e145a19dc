package election

import (
	"context"
	"errors"
	"runtime"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/onenode"
)

// layout is the layout of the candidates' nodes.
type layout string

// The layouts: the tags of Curator's LeaderLatch and LeaderSelector, and no
// tag.
const (
	latch    layout = "latch-"
	selector layout = "lock-"
	oneNode  layout = ""
)

// LeaderSelector selects the layout of Curator's LeaderSelector: nodes
// "_c_<uuid>-lock-<seq>" with the id as UTF-8, in one queue with candidates in
// Java. The default is the layout of Curator's LeaderLatch.
func LeaderSelector() Option { return func(e *Election) { e.layout = selector } }

// OneNode makes the election a single ephemeral node at the path itself. The
// candidate that creates the node leads, and the others wait until the node is
// gone. That is the master election of ZooKeeper's books, and of HBase. It
// costs less than a queue, and candidates have no order: the end of a term
// wakes every candidate, and the fastest leads. Participants lists the leader
// alone. Transfer returns ErrNoLine.
//
// The node's data is the payload; without a payload, the id.
func OneNode() Option { return func(e *Election) { e.layout = oneNode } }

// Payload is the data of the leader's node in the OneNode layout, such as the
// address at which clients find the leader. It may be any bytes. Other layouts
// refuse it: the data of their nodes is the id, as Curator's candidates expect.
// There the id may be the address.
func Payload(payload string) Option { return func(e *Election) { e.payload = &payload } }

var errNoPlace = errors.New("a payload needs the layout OneNode: in other layouts the data of a candidate's node is its id; use the option ID")

// place is the queue of candidates, or the one node.
type place interface {
	Join(context.Context) (*core.Hold, error)
	First(context.Context) (line.Contender, bool, error)
	FirstW(context.Context, *core.Session) (line.Contender, bool, *core.Watch, error)
	Contenders(context.Context) ([]line.Contender, error)
}

// settle makes the place once all options are known.
func (e *Election) settle() {
	if e.layout == oneNode {
		data := e.id
		if e.payload != nil {
			data = *e.payload
		}
		e.place = single{onenode.New(onenode.Config{Manager: e.sm, Path: e.path, Data: []byte(data)})}
		return
	}
	if e.payload != nil {
		e.err = errNoPlace
	}
	e.place = line.New(line.Config{Manager: e.sm, Dir: e.path, Tag: string(e.layout), Data: []byte(e.id), Watched: true})
	e.wishes = newWishes(e.path, e.layout)
	runtime.AddCleanup(e, (*wishes).forget, e.wishes)
}

// single is the place of the OneNode layout.
type single struct{ *onenode.Node }

func (s single) Join(ctx context.Context) (*core.Hold, error) { return s.Acquire(ctx) }

func (s single) First(ctx context.Context) (line.Contender, bool, error) { return s.Current(ctx) }

func (s single) FirstW(ctx context.Context, in *core.Session) (line.Contender, bool, *core.Watch, error) {
	return s.CurrentW(ctx, in)
}

func (s single) Contenders(ctx context.Context) ([]line.Contender, error) {
	c, found, err := s.Current(ctx)
	if err != nil || !found {
		return nil, err
	}
	return []line.Contender{c}, nil
}

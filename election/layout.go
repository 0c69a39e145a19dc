package election

import (
	"context"
	"errors"
	"runtime"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/onenode"
)

// layout says how candidates stand in ZooKeeper.
type layout string

// The layouts: the tags of Curator's LeaderLatch and LeaderSelector, and none.
const (
	latch    layout = "latch-"
	selector layout = "lock-"
	oneNode  layout = ""
)

// LeaderSelector has candidates stand in the layout of Curator's
// LeaderSelector, "_c_<uuid>-lock-<seq>" with the id as UTF-8, in one line with
// those in Java. The default is the layout of LeaderLatch.
func LeaderSelector() Option { return func(e *Election) { e.layout = selector } }

// OneNode makes the election one of a single ephemeral node at the path
// itself: whoever creates it leads, and the others wait until it has gone. That
// is the master election of ZooKeeper's books, and of HBase. It costs less than
// a line and has no order: when the leader goes, every candidate is woken, and the
// fastest leads. Participants knows the leader alone, and Transfer has nobody
// to name.
//
// The node holds the payload; without one, the id.
func OneNode() Option { return func(e *Election) { e.layout = oneNode } }

// Payload is what the node of the leader holds in the OneNode layout, such as
// the address at which clients find it. It may be any bytes. The other layouts
// have no place for it: there the node holds the id, as Curator's candidates
// expect, and the id may be the address.
func Payload(payload string) Option { return func(e *Election) { e.payload = &payload } }

var errNoPlace = errors.New("a payload needs the layout OneNode: where candidates stand in line their nodes hold the id, which may be the address")

// place is where candidates stand.
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

// single is a line of one.
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

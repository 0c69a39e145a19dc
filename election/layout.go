package election

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/onenode"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/internal/recipe/recognise"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
)

// Format is a layout of the candidates' znodes.
type Format int

const (
	// LeaderLatch is the default: the layout of Curator's LeaderLatch, znodes
	// "_c_<uuid>-latch-<seq>" with the id as UTF-8, in one queue with
	// candidates in Java.
	LeaderLatch Format = iota
	// LeaderSelector is the layout of Curator's LeaderSelector, znodes
	// "_c_<uuid>-lock-<seq>" with the id as UTF-8, in one queue with candidates
	// in Java.
	LeaderSelector
	// OneNode makes the election a single ephemeral znode at the path itself.
	// The candidate that creates the znode leads, and the others wait until the
	// znode is gone. That is the master election of ZooKeeper's books, and of
	// HBase. It costs less than a queue, and candidates have no order: the end
	// of a term wakes every candidate, and the fastest leads. Participants
	// lists the leader alone. Transfer returns ErrNotTransferable.
	//
	// The znode's data is the Payload; without a Payload, the id.
	OneNode
)

// tags are the tags of Curator's nodes in the layouts with a queue.
var tags = map[Format]string{LeaderLatch: "latch-", LeaderSelector: "lock-"}

// Layout sets the Format; the default is LeaderLatch. All candidates of an
// election must have the same.
func Layout(f Format) Option { return func(e *Election) { e.format = f } }

// Payload is the data of the leader's znode in the OneNode layout, such as the
// address at which clients find the leader. Other layouts reject it: the data
// of their znodes is the id, as Curator's candidates expect. There the id may
// be the address.
func Payload(data []byte) Option {
	data = contents(data)
	return func(e *Election) { e.payload = data }
}

// contents returns a copy of a payload, which is not nil.
func contents(payload []byte) []byte { return append([]byte{}, payload...) }

var errPayload = errors.New("in this layout the data of a candidate's znode is its id: give no Payload, or use the layout OneNode")

// place is the queue of candidates, or the one node.
type place interface {
	Join(context.Context) (*core.Hold, error)
	First(context.Context) (waitqueue.Contender, bool, error)
	FirstW(context.Context, *core.Session) (waitqueue.Contender, bool, *core.Watch, error)
	Contenders(context.Context) ([]waitqueue.Contender, error)
}

// settle makes the place once all options are known.
func (e *Election) settle() {
	e.err = znode.Validate(e.path)
	if e.format == OneNode {
		cfg := onenode.Config{Manager: e.sm, Path: e.path, Data: e.payload, Whose: e.leading}
		if cfg.Data == nil {
			cfg.Data = []byte(e.id)
		}
		e.place = single{onenode.New(cfg)}
		return
	}
	tag, known := tags[e.format]
	switch {
	case e.err != nil:
	case !known:
		e.err = fmt.Errorf("Layout(%d): unknown format; use LeaderLatch, LeaderSelector or OneNode", int(e.format))
	case e.payload != nil:
		e.err = errPayload
	}
	e.place = waitqueue.New(waitqueue.Config{Manager: e.sm, Dir: e.path, Tag: tag, Data: []byte(e.id), Whose: owner.At, Foreign: recognise.Foreign, Watched: true})
	e.requests = newRequestView(e.path, tag)
	runtime.AddCleanup(e, (*requestView).forget, e.requests)
}

// leading names the leader of the OneNode layout for errors. A payload need not
// say whose it is.
func (e *Election) leading(_ string, data []byte) string {
	if e.payload != nil || len(data) == 0 {
		return "the leader"
	}
	return owner.Name(string(data))
}

// single is the place of the OneNode layout.
type single struct{ *onenode.Node }

func (s single) Join(ctx context.Context) (*core.Hold, error) { return s.Acquire(ctx) }

func (s single) First(ctx context.Context) (waitqueue.Contender, bool, error) { return s.Current(ctx) }

func (s single) FirstW(ctx context.Context, in *core.Session) (waitqueue.Contender, bool, *core.Watch, error) {
	return s.CurrentW(ctx, in)
}

func (s single) Contenders(ctx context.Context) ([]waitqueue.Contender, error) {
	c, found, err := s.Current(ctx)
	if err != nil || !found {
		return nil, err
	}
	return []waitqueue.Contender{c}, nil
}

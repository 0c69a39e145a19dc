package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Hold is the part that the holds of all recipes share.
type Hold interface {
	Context() context.Context
	Err() error
}

// Held is a hold that a court observes.
type Held struct {
	Hold
	// Token is the fencing token; 0 if the hold has no token.
	Token int64
	// Nodes are the nodes of the hold.
	Nodes []string
	// Shared says that the hold may coexist with other shared holds.
	Shared bool
	// Weight counts against the court's Limit.
	Weight int
	// Guard, if set, guards transactions. It is called only when a transaction
	// is made: a lock whose guard was given out is not handed on.
	Guard func() session.Op
	// Inherits says that the token comes from an earlier hold, which handed
	// this hold on.
	Inherits bool

	ended   time.Time
	working bool // the function that the recipe runs under the hold is running
}

// over returns nil while the hold's context lasts, and then its cause. It is for
// the court: Err would end a hold whose deadline has passed, and so hide that
// its context goes on.
func (h *Held) over() error { return context.Cause(h.Context()) }

// Of makes a Held of a session's hold.
func Of(h *session.Hold) Held {
	return Held{Hold: h, Token: h.Token(), Nodes: []string{h.Path()}}
}

// Guarded is Of with the hold's guard.
func Guarded(h *session.Hold) Held {
	held := Of(h)
	held.Guard = h.Guard
	return held
}

// Court observes one thing that can be held: a lock, a leadership, one
// partition. It checks, at each step, that
//
//   - exclusive holds do not coexist, and no more is held than the limit
//     allows;
//   - tokens grow;
//   - the context of a hold has ended before the server removes its node;
//   - a hold is not given up while its function runs;
//   - a store that compares tokens accepts every write of a holder, and no
//     write older than its newest;
//   - a transaction with a guard is done only while no later holder has
//     written.
//
// In a forced run two holders may coexist for a moment; tokens and guards still
// tell them apart.
type Court struct {
	World *World
	// Name names the thing that can be held.
	Name string
	// Limit is the maximum weight held at a time; 0 means no limit.
	Limit int

	mu      sync.Mutex
	live    []*Held
	token   int64 // the greatest token of all holds
	alone   int64 // the greatest token of an exclusive hold
	stored  int64 // the newest token that the store has seen
	guarded int64 // the newest token in the guarded node
	begun   int
	created map[string][]int64 // the zxids of the creates of each node
	won     []won
}

// won is a hold that has begun: the zxid of the create of its node, and its
// token.
type won struct {
	czxid, token int64
	shared       bool
}

// GuardedDir is where guarded transactions write; a Program whose holds have
// guards keeps it.
const GuardedDir = "/guarded"

// Court makes a court.
func (w *World) Court(name string) *Court {
	c := &Court{World: w, Name: name, created: make(map[string][]int64)}
	if err := w.Srv.Put(c.node(), []byte("0")); err != nil {
		w.Errorf("make %s: %v", c.node(), err)
	}
	w.Srv.OnChange(c.changed)
	return c
}

func (c *Court) node() string {
	return GuardedDir + "/" + strings.ReplaceAll(strings.Trim(c.Name, "/"), "/", "-")
}

// changed is called by the server, before any client can know of the change.
func (c *Court) changed(ch zktest.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case ch.Kind == zktest.Created:
		c.created[ch.Path] = append(c.created[ch.Path], ch.Zxid)
	case ch.Kind == zktest.DataChanged && ch.Path == c.node():
		token, err := strconv.ParseInt(string(ch.Data), 10, 64)
		if err != nil || token < c.guarded {
			c.World.Break("guards", "%s: a transaction guarded by token %d is done after one guarded by token %d (%v)", c.Name, token, c.guarded, err)
		}
		c.guarded = max(c.guarded, token)
	case ch.Kind == zktest.Deleted:
		c.live = slices.DeleteFunc(c.live, func(h *Held) bool {
			if !slices.Contains(h.Nodes, ch.Path) {
				return false
			}
			c.judgeEnd(h, ch)
			return true
		})
	}
}

func (c *Court) judgeEnd(h *Held, ch zktest.Change) {
	if c.World.Forced {
		return
	}
	switch {
	case h.over() == nil:
		c.World.Break("a hold ends before its node", "%s: the server removes %s while the hold lives", c.Name, plain(ch.Path))
	case errors.Is(h.over(), session.ErrTrustElapsed) && !h.ended.Before(ch.Time):
		c.World.Break("a hold ends before its node", "%s: the hold on %s ends only as the server removes it", c.Name, plain(ch.Path))
	case h.working && !errors.Is(h.over(), session.ErrLost):
		c.World.Break("a function ends before its hold", "%s: %s is given up while its function runs", c.Name, plain(ch.Path))
	}
}

// Begin reports a new hold of the actor.
func (c *Court) Begin(a *Actor, held Held) *Held {
	h := &held
	context.AfterFunc(h.Context(), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		h.ended = time.Now()
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.over() != nil {
		return h // lost at once
	}
	a.Log("%s is held", c.Name)
	weight := h.Weight
	for _, other := range c.live {
		if other.over() != nil {
			continue
		}
		weight += other.Weight
		if !(h.Shared && other.Shared) && !c.World.Forced {
			c.World.Break("one holder", "%s is held twice: %s and %s", c.Name, names(other), names(h))
		}
	}
	if c.Limit > 0 && weight > c.Limit && !c.World.Forced {
		c.World.Break("permits", "%s: %d of %d permits are held", c.Name, weight, c.Limit)
	}
	c.live = append(c.live, h)
	c.begun++
	if h.Token == 0 || h.Inherits {
		return h
	}
	c.won = append(c.won, won{c.createOf(h), h.Token, h.Shared})
	newest := c.token
	if h.Shared {
		newest = c.alone
	}
	if h.Token <= newest && !c.World.Forced {
		c.World.Break("tokens grow", "%s: token %d comes after %d", c.Name, h.Token, newest)
	}
	c.token = max(c.token, h.Token)
	if !h.Shared {
		c.alone = max(c.alone, h.Token)
	}
	return h
}

// createOf returns the zxid of the create of the hold's node, and 0 if the
// token is less. A node at a fixed path has many creates: the last one up to
// the token counts.
func (c *Court) createOf(h *Held) (czxid int64) {
	for _, path := range h.Nodes {
		for _, zxid := range c.created[path] {
			if zxid <= h.Token {
				czxid = max(czxid, zxid)
			}
		}
	}
	return czxid
}

// CheckTokens checks that each token lies between two zxids: the create of the
// hold's own node, and the create of the next holder's node that does not share
// the lock with it. Then a store can tell which holder was later, whatever the
// order of their writes. This is true of a lock whose holders hold in the order
// of their nodes, in a forced run too.
func (c *Court) CheckTokens() {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.SortFunc(c.won, func(a, b won) int { return cmp.Compare(a.czxid, b.czxid) })
	var newest, alone int64 // tokens of all holds so far, and of the exclusive ones
	for _, w := range c.won {
		before := newest
		if w.shared {
			before = alone
		}
		if w.czxid <= before {
			c.World.Break("tokens grow", "%s: the node of the hold with token %d was created at %d, after a hold with token %d",
				c.Name, w.token, w.czxid, before)
		}
		newest = max(newest, w.token)
		if !w.shared {
			alone = max(alone, w.token)
		}
	}
}

func names(h *Held) string {
	var all []string
	for _, n := range h.Nodes {
		all = append(all, plain(n))
	}
	return fmt.Sprintf("%s (token %d)", strings.Join(all, " "), h.Token)
}

// Begun returns how many holds have begun.
func (c *Court) Begun() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.begun
}

// Working reports that a function runs under the hold. The function calls done
// when it returns.
func (c *Court) Working(h *Held) (done func()) {
	set := func(working bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		h.working = working
	}
	set(true)
	return func() { set(false) }
}

// Use works under a hold for up to max. It checks the context and then writes,
// until the context ends.
func (c *Court) Use(a *Actor, h *Held, max time.Duration) {
	for range 1 + a.N(4) {
		a.Sleep(h.Context(), max/4)
		if h.Err() != nil {
			return
		}
		a.Work() // the process may be paused here, after its decision
		c.write(h)
		if h.Guard != nil && !h.Shared && a.One(3) {
			c.transact(a, h)
		}
	}
}

// write writes to a store that refuses tokens older than the newest it has
// seen.
func (c *Court) write(h *Held) {
	if h.Token == 0 || h.Shared {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.Token >= c.stored {
		c.stored = h.Token
		return
	}
	if h.over() == nil && !c.World.Forced {
		c.World.Break("fencing", "%s: the store refuses the holder's token %d after %d", c.Name, h.Token, c.stored)
	}
}

func (c *Court) transact(a *Actor, h *Held) {
	ctx, cancel := a.Within(10 * time.Second)
	defer cancel()
	_, err := a.Txn(ctx, session.SetOp(c.node(), []byte(strconv.FormatInt(h.Token, 10)), session.AnyVersion), h.Guard())
	switch {
	case err == nil, ctx.Err() != nil:
	case errors.Is(err, session.ErrLost), errors.Is(err, session.ErrUnknownOutcome), errors.Is(err, session.ErrSessionEnded):
	default:
		c.World.Break("errors", "%s: a guarded transaction: %v", c.Name, err)
	}
}

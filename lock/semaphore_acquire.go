package lock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/ctxend"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/oneline"
	"github.com/docent-go/docent/internal/znode"
)

// How permits are given
//
// A candidate for n permits makes n lease nodes and then lists the leases. It
// has its permits once a list that shows all of its leases shows at most limit-n
// others before the last of its own, by sequence number; equal numbers count as
// before. It holds them while its leases stand.
//
// # A fixed limit
//
// Never more than limit leases belong to permits that were given. Take all
// holders of some instant, and among them Z, whose last lease has the greatest
// sequence number. All other leases were made before the last one of Z, since
// the server numbers them in the order in which it makes them, and they still
// stand. So they stood when Z's list was taken, which was after Z's last create;
// the list showed them, before that last one, and Z counted them. Z found that
// with its own they are no more than limit. Where numbers do not grow any more
// (2147483647), take for Z, among those with the greatest number, the one whose
// list was taken last: the same follows.
//
// The proof uses only that the list is of an instant after the creates, as
// every list is that shows the nodes: a server that lags makes it an earlier
// instant, no other history. It does not ask who was first in the line. So the
// inner lock need not be trusted, and no guard on it is needed: when it is lost
// while a create is under way, two look for permits at a time, which the numbers
// keep in order. The line decides only who asks next. That is why TryAcquire can
// do without it.
//
// Curator's peers count all children, whatever their number, and so see all
// that Z would see: among them and us the same proof holds, with their own
// limit where they are Z. We count the nodes tagged "lease-" alone: a stranger's
// node takes no permit here, and does in Curator's eyes, who then waits for
// longer. Curator waits when its own lease is one of too many, though others
// behind it are to blame; ours takes its permit then.
//
// # A limit that changes
//
// A permit is given at one instant of ZooKeeper's history, in which the limit
// is l. The promise: with it, at most l permits are held at that instant. So
// after a Resize to l, no permit is given until fewer than l are held. Which
// permits are given before the Resize and which after it, the order of these
// instants says, not the order in which the calls return.
//
// Let m be the instant of the last change of the limit before the instant t at
// which Z is given its permits. A candidate knows the limit of t in two ways.
// Acquire reads and watches the limit before its creates, in the same session,
// and the watch has not fired when the list of t is there: ZooKeeper tells of a
// change before it shows anything later. TryAcquire reads the limit behind its
// creates and its list: t is the instant of that read, and the zxid that wrote
// the limit tells m.
//
// If Z's last create came after m, Z counts as with a fixed limit. Take Y, the
// holder of t with the greatest number. Y's last create came after m too, so Y
// was given its permits by l, and counted all holders of t.
//
// If the limit has changed since Z's creates, that is not enough: a lease behind
// Z's may hold by the limit before. So Z takes a list L after m and from then on
// counts every lease up to the greatest number in L as before its own
// (candidate.upTo). Then the holders of t that were made before L are counted by
// Z. If there are others, the last of them was made after m, and has counted all.
//
// # How old the instant may be
//
// All of this may happen on a server that lags: t is then an instant of long
// ago, and a Resize that has returned since is not heeded. A create that has
// just been answered is as good as a sync, and so the list that comes with the
// creates is taken as it is, for a second (fresh). Any other has to be confirmed
// by a transaction, which checks that the limit is the one that was read and
// that the candidate's last lease stands. t is then the instant of the
// transaction. Only candidates that waited pay for it, and only where the limit
// is shared.

// fresh is how long after its first create was sent a candidate takes its
// permits by a shared limit without a transaction that confirms them.
const fresh = time.Second

// candidate is a request for permits under way, within one session.
type candidate struct {
	s       *core.Session
	dir     string
	limit   limitView
	entries []*core.Entry
	own     map[string]bool // their names
	last    *core.Entry     // of entries, the one with the greatest number
	number  znode.Seq       // of the last
	upTo    znode.Seq       // leases up to this number count as before the last
	since   time.Time       // when the first create was sent
}

// leases is one list of them.
type leases struct {
	names []string
	dir   core.Stat
}

// ranked is what a candidate sees in a list.
type ranked struct {
	mine   int  // how many of its own leases stand
	before int  // how many others count as before the last of its own
	behind bool // whether any has a number greater than the last of its own
}

// lease is what our lease nodes hold. Other libraries ignore it.
type lease struct {
	owner
	// Place is the name of the node in the line with which the lease was asked
	// for. While that stands, the lease still waits.
	Place string `json:"place,omitempty"`
}

// placeOf reads the place out of a lease's data; there may be none.
func placeOf(data []byte) string {
	var l lease
	if json.Unmarshal(data, &l) != nil {
		return "" // another library's
	}
	return l.Place
}

// check refuses what needs no candidate to be refused. One permit is too many
// for no limit, so it costs no read; the sync comes only before a refusal.
func (s *Semaphore) check(ctx context.Context, n int) error {
	if s.err != nil {
		return s.err
	}
	if err := validPermits(n); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return ctxend.Join(ctx, err)
	}
	switch {
	case !s.limit.shared():
		return enough(n, s.limit.permits)
	case n == 1:
		return nil
	}
	for synced := false; ; synced = true {
		limit, err := s.limit.read(ctx, s.sm)
		switch {
		case errors.Is(err, errNotALimit):
			return nil // it may become one while this waits
		case err != nil:
			return ctxend.Join(ctx, err)
		}
		err = enough(n, limit)
		if err == nil || synced {
			return err
		}
		if err := s.sm.Sync(ctx, s.limit.node); err != nil {
			return ctxend.Join(ctx, err)
		}
	}
}

// again runs attempts until one succeeds, or fails for good: those whose nodes
// or session have gone are repeated.
func again(ctx context.Context, attempt func() (*Permit, error)) (*Permit, error) {
	for n := 0; ; n++ {
		p, err := attempt()
		switch {
		case err == nil:
			return p, nil
		case ctx.Err() == nil && (errors.Is(err, core.ErrLost) || errors.Is(err, core.ErrSessionEnded)) &&
			!errors.Is(err, core.ErrClosed):
			err = line.Pause(ctx, n-1, leastPause, mostPause)
		}
		if err != nil {
			return nil, ctxend.Join(ctx, err)
		}
	}
}

func (s *Semaphore) acquire(ctx context.Context, n int) (*Permit, error) {
	if err := s.check(ctx, n); err != nil {
		return nil, err
	}
	return again(ctx, func() (*Permit, error) {
		place, err := s.line.Join(ctx)
		if err != nil {
			return nil, err
		}
		within, stop := line.Within(ctx, place)
		p, err := s.atHead(within, place, n)
		stop()
		if err != nil && ctx.Err() == nil && place.Err() != nil {
			err = place.Err() // that is why
		}
		left := leave(ctx, place)
		switch {
		case err != nil:
			return nil, err
		case left == nil:
			left = p.Err()
		}
		if left == nil {
			left = ctx.Err()
		}
		if left != nil {
			return nil, oneline.Join(left, undo(ctx, p.holds))
		}
		return p, nil
	})
}

// leave lets the next in line come to the head. It waits for that no longer than
// ctx. That our place was lost in the meantime does not matter any more.
func leave(ctx context.Context, place *core.Hold) error {
	done := make(chan error, 1)
	go func() { done <- place.Release() }() // at the latest the session's end ends it
	select {
	case err := <-done:
		if errors.Is(err, core.ErrLost) {
			return nil
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// atHead waits for permits as the first in line. ctx ends with that, too.
func (s *Semaphore) atHead(ctx context.Context, place *core.Hold, n int) (*Permit, error) {
	_, name := znode.Split(place.Path())
	c := s.candidate(place.Session())
	defer c.limit.stop()
	if err := c.limit.look(ctx); err != nil {
		return nil, err
	}
	if err := c.limit.enough(ctx, n); err != nil {
		return nil, err
	}
	list, err := c.place(ctx, s.data(name), n)
	if err != nil {
		return nil, err
	}
	p, err := c.wait(ctx, list)
	if err != nil {
		if why := c.limit.closed(); why != nil && ctx.Err() != nil {
			err = fmt.Errorf("%w; %w", err, why)
		}
		c.abandon()
		return nil, err
	}
	return p, nil
}

func (s *Semaphore) candidate(in *core.Session) *candidate {
	return &candidate{s: in, dir: s.leases.Dir(), limit: limitView{Limit: s.limit, s: in}}
}

func (s *Semaphore) try(ctx context.Context, n int) (*Permit, error) {
	if err := s.check(ctx, n); err != nil {
		return nil, err
	}
	return again(ctx, func() (*Permit, error) {
		in, err := s.sm.Session(ctx)
		if err != nil {
			return nil, err
		}
		c := s.candidate(in)
		list, err := c.place(ctx, s.data(""), n)
		if err != nil {
			return nil, err
		}
		p, err := c.atOnce(ctx, list)
		if errors.Is(err, ErrNoPermits) || errors.Is(err, ErrTooManyPermits) {
			if left := c.remove(ctx); left != nil {
				err = fmt.Errorf("%w; our own nodes: %w", err, left)
			}
			return nil, err
		}
		if err != nil {
			c.abandon()
			return nil, err
		}
		return p, nil
	})
}

func (s *Semaphore) data(place string) []byte {
	data, err := json.Marshal(lease{s.who, place})
	if err != nil {
		panic(err) // strings and an int always have a JSON form
	}
	return data
}

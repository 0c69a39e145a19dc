package lock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/oneline"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// How permits are given
//
// Who wants n permits makes n lease nodes and then lists the leases. It has its
// permits as soon as a list that shows all of its leases shows at most limit-n
// others before the last of its own, by sequence number; equal numbers count as before. It
// holds them while its leases stand.
//
// Never more than limit leases belong to permits that were given. Take all who
// hold at some instant, and among them the one whose last lease has the
// greatest sequence number; call it Z. Everybody else's leases were made before
// Z's last one, since the server numbers them in the order in which it makes them, and they
// stand still. So they stood when Z's list was taken, which was after Z's last
// create; the list showed them, before that last one, and Z counted them. It
// found that with its own they are no more than limit. Where numbers do not
// grow any more (2147483647) or the last is not alone with its number, take for Z among those
// with the greatest the one whose list was taken last: the same follows.
//
// The proof uses nothing but that the list is of an instant after the creates, as
// every list is that shows the nodes: a server that lags makes it an
// earlier instant, no other history. It does not ask who was first in the
// line. So the inner lock need not be trusted, and no guard on it is needed:
// when it is lost while a create is under way, two look for permits at a time,
// which the numbers keep in order. The line decides only who asks next. That is
// why TryAcquire can do without it.
//
// Curator's peers count all children, whatever their number, and so see all
// that Z would see: among them and us the same proof holds, with their own
// limit where they are Z. We count the nodes tagged "lease-" alone: a stranger's
// node takes no permit here, and does in Curator's eyes, who then waits for longer. Curator
// waits when its own lease is one of too many, though others behind it are
// to blame; ours takes its permit then.
//
// A shared limit is read and watched before the list is asked for, in the same
// session. If the watch has not fired when the list is there, the limit was
// still the same at the instant of the list: ZooKeeper tells of a change before
// it shows anything later.

// candidate is a request for permits under way, within one session.
type candidate struct {
	s       *session.Session
	dir     string
	limit   limitView
	entries []*session.Entry
	own     map[string]bool // their names
	last    *session.Entry  // of entries, the one with the greatest number
	number  znode.Seq       // of the last
}

// leases is one list of them.
type leases struct {
	names []string
	dir   session.Stat
}

// ranked is what a candidate sees in a list.
type ranked struct {
	mine   int  // how many of its own leases stand
	before int  // how many others stand before the last of its own
	behind bool // whether any stands behind that
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

// check refuses what needs no request, or a read, to be refused. It returns
// the limit as it is now.
func (s *Semaphore) check(ctx context.Context, n int) (limit int, err error) {
	if s.err != nil {
		return 0, s.err
	}
	if err := validPermits(n); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, line.GaveUp(ctx, err)
	}
	if limit, err = s.limit.read(ctx, s.sm); err != nil {
		return 0, line.GaveUp(ctx, err)
	}
	return limit, enough(n, limit)
}

func enough(n, limit int) error {
	if n > limit {
		return fmt.Errorf("%w: %d asked for, the limit is %d", ErrTooManyPermits, n, limit)
	}
	return nil
}

// again runs attempts until one succeeds, or fails for good: those whose nodes
// or session have gone are repeated.
func again(ctx context.Context, attempt func() (*Permit, error)) (*Permit, error) {
	for n := 0; ; n++ {
		p, err := attempt()
		switch {
		case err == nil:
			return p, nil
		case ctx.Err() == nil && (errors.Is(err, session.ErrLost) || errors.Is(err, session.ErrSessionEnded)) &&
			!errors.Is(err, session.ErrClosed):
			err = line.Pause(ctx, n-1, leastPause, mostPause)
		}
		if err != nil {
			return nil, line.GaveUp(ctx, err)
		}
	}
}

func (s *Semaphore) acquire(ctx context.Context, n int) (*Permit, error) {
	if _, err := s.check(ctx, n); err != nil {
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
func leave(ctx context.Context, place *session.Hold) error {
	done := make(chan error, 1)
	go func() { done <- place.Release() }() // at the latest the session's end ends it
	select {
	case err := <-done:
		if errors.Is(err, session.ErrLost) {
			return nil
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// atHead waits for permits as the first in line. ctx ends with that, too.
func (s *Semaphore) atHead(ctx context.Context, place *session.Hold, n int) (*Permit, error) {
	_, name := znode.Split(place.Path())
	c := &candidate{s: place.Session(), dir: s.leases.Dir(), limit: limitView{Limit: s.limit, s: place.Session()}}
	defer func() { c.limit.stop() }()
	if err := c.limit.look(ctx); err != nil {
		return nil, err
	}
	if err := enough(n, c.limit.now); err != nil {
		return nil, err
	}
	if err := c.place(ctx, s.data(name), n); err != nil {
		return nil, err
	}
	p, err := c.wait(ctx)
	if err != nil {
		c.abandon()
		return nil, err
	}
	return p, nil
}

func (s *Semaphore) try(ctx context.Context, n int) (*Permit, error) {
	limit, err := s.check(ctx, n)
	if err != nil {
		return nil, err
	}
	return again(ctx, func() (*Permit, error) {
		in, err := s.sm.Session(ctx)
		if err != nil {
			return nil, err
		}
		c := &candidate{s: in, dir: s.leases.Dir()}
		if err := c.place(ctx, s.data(""), n); err != nil {
			return nil, err
		}
		p, err := c.atOnce(ctx, limit)
		if errors.Is(err, ErrNoPermits) {
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

package lock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// How permits are given
//
// A candidate for n permits creates n lease znodes and then lists the leases.
// It has its permits once a list that shows all of its leases shows at most
// limit-n others before the last of its own, by sequence number. Equal numbers
// count as before. It holds the permits while its lease znodes exist.
//
// # A fixed limit
//
// Never more than limit leases belong to permits that were given. Take all
// holders of some instant. Let Z be the holder whose last lease has the
// greatest sequence number. All other leases of these holders were created
// before the last one of Z, since the server numbers them in the order of
// creation, and they still exist. So they existed when Z's list was taken,
// which was after Z's last create. The list showed them, before that last one,
// and Z counted them. Z found that with its own they do not exceed the limit.
// If the numbers stop growing (at 2147483647), several holders may share the
// greatest number. Let Z then be the one of them whose list was taken last: the
// same follows.
//
// The proof uses only that the list shows an instant after the creates, which
// is true of every list that shows the znodes. A server that lags shows an
// earlier instant, but not another history. The proof does not use the order of
// the queue. So the inner lock need not be trusted and needs no guard. If it is
// lost while a create is under way, two candidates look for permits at a time,
// and the numbers keep them in order. The queue decides only which candidate
// asks next. That is why TryAcquire can do without it.
//
// Curator's peers count all children, whatever their number, and so see all
// that Z would see. For them and us together the same proof holds, with their
// own limit if Z is a Curator peer. We count the znodes tagged "lease-" alone.
// Another client's znode takes no permit here, but does in Curator's eyes,
// which then waits for longer. Curator waits if its own lease is one of too
// many, even if the surplus are leases after its own. Docent takes its permit
// then.
//
// # A limit that changes
//
// A permit is given at one instant of ZooKeeper's history, at which the limit
// is l. The promise: with it, at most l permits are held at that instant. So
// after a Resize to l, no permit is given until fewer than l are held. The
// order of these instants says which permits are given before the Resize and
// which after it. The order in which the calls return does not.
//
// Let t be the instant at which Z is given its permits, and m the instant of
// the last change of the limit before t. A candidate knows the limit of t in
// one of two ways. Acquire reads and watches the limit before its creates, in
// the same session, and the watch has not fired when the list of t arrives.
// ZooKeeper sends the event of a change before it shows a later state.
// TryAcquire reads the limit after its creates and its list. There t is the
// instant of that read, and the Mzxid of the limit's znode is m.
//
// If Z's last create came after m, Z counts as with a fixed limit. Take Y, the
// holder of t with the greatest number. Y's last create came after m too, so Y
// was given its permits by l, and counted all holders of t.
//
// If the limit has changed since Z's creates, that is not enough: a lease after
// Z's may hold by the earlier limit. So Z takes a list L after m, and from then
// on counts every lease up to the greatest number in L as before its own
// (candidate.upTo). Then Z counts the holders of t that were created before L.
// If there are others, the last of them was created after m, and has counted
// all.
//
// # How old the instant may be
//
// All of this may happen on a server that lags. Then t is an instant of long
// ago, and a Resize that has returned since is not heeded. A create that has
// just been answered is as good as a sync. So the list that comes with the
// creates is accepted as it is, for a second (fresh). Any later list has to be
// confirmed by a transaction. It checks that the limit is the one that was read
// and that the candidate's last lease exists. t is then the instant of the
// transaction. Only candidates that waited pay for it, and only if the limit is
// shared.

// fresh is how long after its first create was sent a candidate may take
// permits of a shared limit without a transaction that confirms them.
const fresh = time.Second

// candidate is a request for permits under way, within one session.
type candidate struct {
	s       *core.Session
	path    string // of the semaphore
	dir     string // of the leases
	limit   limitView
	entries []*core.Entry
	own     map[string]bool // their names
	last    *core.Entry     // of entries, the one with the greatest number
	number  znode.Seq       // of the last
	upTo    znode.Seq       // leases up to this number count as before the last
	since   time.Time       // when the first create was sent
	lasting []string        // the paths of the lasting leases of others that a wait has found
	holders string          // whose the leases of others are that a wait has found; empty if it has not looked
	taken   leases          // the list that shows too few free permits to a TryAcquire
}

// leases is one list of the lease znodes.
type leases struct {
	names []string
	dir   core.Stat
}

// ranked is what a candidate sees in a list.
type ranked struct {
	mine   int  // how many of its own leases exist
	before int  // how many others count as before the last of its own
	behind bool // whether any has a number greater than the last of its own
}

// check refuses requests that can be refused without a candidate. A request for
// one permit exceeds no limit, so it costs no read. The sync comes only before
// a refusal.
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

// again runs attempts until one succeeds or fails for good. An attempt whose
// znodes or session have gone is repeated.
func again(ctx context.Context, attempt func() (*Permit, error)) (*Permit, error) {
	for n := 0; ; n++ {
		p, err := attempt()
		switch {
		case err == nil:
			return p, nil
		case ctx.Err() == nil && (errors.Is(err, core.ErrLost) || errors.Is(err, core.ErrSessionEnded)) &&
			!errors.Is(err, core.ErrClosed):
			err = backoff.Lost.Wait(ctx, n-1)
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
		within, stop := ctxend.WithHold(ctx, place)
		p, err := s.atHead(within, place, n)
		stop()
		if err != nil && ctx.Err() == nil && place.Err() != nil {
			err = place.Err() // the loss of the place has ended the context
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

// leave lets the next waiter come to the head. It waits for that no longer than
// ctx. If our place was lost in the meantime, that does not matter.
func leave(ctx context.Context, place *core.Hold) error {
	done := make(chan error, 1)
	go func() { done <- place.Release() }() // the session's end ends it at the latest
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

// atHead waits for permits as the first waiter. ctx also ends when that place
// is lost.
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
	return &candidate{s: in, path: s.path, dir: s.leases.Dir(), limit: limitView{Limit: s.limit, s: in}}
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
			return nil, c.refused(ctx, err)
		}
		if err != nil {
			c.abandon()
			return nil, err
		}
		return p, nil
	})
}

// refused removes the leases of a TryAcquire that ends with err, and returns err.
// It reads the first lease of another owner at the same time, for the text.
func (c *candidate) refused(ctx context.Context, err error) error {
	named := make(chan error, 1)
	go func() { named <- c.noPermits(ctx, err) }() // ends with ctx or the session
	left := c.remove(ctx)
	err = <-named
	if left != nil {
		err = fmt.Errorf("%w; our own znodes: %w", err, left)
	}
	return err
}

// data returns the contents of a lease znode. place is the name of the waiter's
// znode in the queue.
func (s *Semaphore) data(place string) []byte {
	d := s.who
	d.Place = place
	return d.Encode()
}

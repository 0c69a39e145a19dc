package lock

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// Limit says how many permits a semaphore has.
type Limit struct {
	permits int
	node    string // where the shared limit is; empty for a fixed one
}

// Permits is a limit that is fixed by the program. Every program that uses the
// semaphore must give the same: each goes by its own.
func Permits(n int) Limit { return Limit{permits: n} }

// SharedPermits is a limit that all who use the semaphore read from the node at
// path, below the Manager's root; it can be changed by Resize while they do. The
// node is Curator's SharedCount: four bytes, big-endian. Where it is missing it
// is made when somebody comes to look for free permits, with the number initial.
func SharedPermits(path string, initial int) Limit { return Limit{initial, path} }

// shared reports whether the limit is read from a node. The zero Limit is a
// fixed one, of no permits.
func (l Limit) shared() bool { return l.node != "" }

func (l Limit) validate() error {
	if err := validPermits(l.permits); err != nil {
		return fmt.Errorf("the limit: %w", err)
	}
	if l.shared() {
		if err := znode.Validate(l.node); err != nil {
			return fmt.Errorf("the node of the limit: %w", err)
		}
	}
	return nil
}

func validPermits(n int) error {
	if n < 1 || n > math.MaxInt32 {
		return fmt.Errorf("%d is no number of permits: it must be from 1 to %d", n, math.MaxInt32)
	}
	return nil
}

// read returns the limit as it is now. It makes nothing where the node of a
// shared one is missing.
func (l Limit) read(ctx context.Context, sm *session.Manager) (int, error) {
	if !l.shared() {
		return l.permits, nil
	}
	data, _, err := sm.Get(ctx, l.node)
	switch {
	case errors.Is(err, zk.ErrNoNode):
		return l.permits, nil
	case err != nil:
		return 0, err
	}
	return l.decode(data)
}

func (l Limit) decode(data []byte) (int, error) {
	if len(data) != 4 {
		return 0, fmt.Errorf("%s holds %d bytes: a limit has four, as Curator's SharedCount", l.node, len(data))
	}
	return int(int32(binary.BigEndian.Uint32(data))), nil
}

func encodeLimit(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

// limitView is the limit as somebody knows it who waits for permits. The watch
// is nil for a fixed one.
type limitView struct {
	Limit
	s     *session.Session
	now   int
	watch *session.Watch
}

// look reads the limit and watches it. It makes the node where it is missing.
func (v *limitView) look(ctx context.Context) error {
	if !v.shared() {
		v.now = v.permits
		return nil
	}
	for {
		data, _, watch, err := v.s.GetW(ctx, v.node)
		switch {
		case err == nil:
			v.watch = watch
			v.now, err = v.decode(data)
			return err
		case !errors.Is(err, zk.ErrNoNode):
			return err
		}
		err = makeNode(ctx, v.s, v.node, encodeLimit(v.permits))
		if err != nil && !errors.Is(err, zk.ErrNodeExists) && !errors.Is(err, session.ErrUnknownOutcome) {
			return err
		}
		// In doubt the next read tells, or finds ctx or the session ended. A node
		// that others have deleted is made again, as for all who come to look.
	}
}

// refresh looks again if the limit has changed.
func (v *limitView) refresh(ctx context.Context) error {
	if !v.stale() {
		return nil
	}
	return v.look(ctx)
}

// stale reports whether the limit has changed since it was read.
func (v *limitView) stale() bool { return v.watch != nil && v.watch.Event() != 0 }

// changed returns a channel that is closed when the limit has changed; nil for
// one that cannot.
func (v *limitView) changed() <-chan struct{} {
	if v.watch == nil {
		return nil
	}
	return v.watch.Done()
}

func (v *limitView) stop() {
	if v.watch != nil {
		v.watch.Stop()
	}
}

// creator is a Manager or a Session.
type creator interface {
	CreateOnce(ctx context.Context, path string, data []byte) error
	EnsureDir(ctx context.Context, path string) error
}

// makeNode makes a persistent node, and its parents where they are missing.
func makeNode(ctx context.Context, c creator, path string, data []byte) error {
	for {
		err := c.CreateOnce(ctx, path, data)
		if !errors.Is(err, zk.ErrNoNode) || errors.Is(err, session.ErrUnknownOutcome) {
			return err
		}
		dir, _ := znode.Split(path)
		if err := c.EnsureDir(ctx, dir); err != nil {
			return err
		}
	}
}

// Limit returns how many permits there are in all, as the server we are
// connected to knows it. ctx bounds the read.
func (s *Semaphore) Limit(ctx context.Context) (int, error) {
	n, err := 0, s.err
	if err == nil {
		n, err = s.limit.read(ctx, s.sm)
	}
	if err != nil {
		return 0, fmt.Errorf("read the limit of %s: %w", s.path, err)
	}
	return n, nil
}

// Resize sets the shared limit to n, for all who use the semaphore. Who waits
// is told. Nobody loses a permit: where more are held than n, nobody gets one
// until enough have been given back.
//
// Who acquires from the line gets no permit by an older limit than that of the
// instant in which it has got it; a TryAcquire under way may still go by the one
// before. ctx bounds the request. A lost answer is session.ErrUnknownOutcome:
// Limit tells, or Resize again. A semaphore whose limit is fixed cannot be
// resized.
func (s *Semaphore) Resize(ctx context.Context, n int) error {
	err := s.resize(ctx, n)
	if err != nil {
		return fmt.Errorf("resize %s to %d permits: %w", s.path, n, err)
	}
	return nil
}

func (s *Semaphore) resize(ctx context.Context, n int) error {
	switch {
	case s.err != nil:
		return s.err
	case !s.limit.shared():
		return fmt.Errorf("its limit of %d is fixed by the program; one of SharedPermits can be changed", s.limit.permits)
	}
	if err := validPermits(n); err != nil {
		return err
	}
	for {
		_, err := s.sm.Set(ctx, s.limit.node, encodeLimit(n), session.AnyVersion)
		if !errors.Is(err, zk.ErrNoNode) {
			return err
		}
		err = makeNode(ctx, s.sm, s.limit.node, encodeLimit(n))
		if !errors.Is(err, zk.ErrNodeExists) || errors.Is(err, session.ErrUnknownOutcome) {
			return err
		}
	}
}

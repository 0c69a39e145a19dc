package lock

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// Limit says how many permits a semaphore has.
type Limit struct {
	permits int
	node    string // the path of the shared limit; empty for a fixed one
}

// Permits is a limit that is fixed by the program. Every program that uses the
// semaphore must give the same number: each uses its own.
func Permits(n int) Limit { return Limit{permits: n} }

// SharedLimit is a limit that every user of the semaphore reads from the
// znode at path, below the Manager's root. Resize changes it while the
// semaphore is in use. The znode has the layout of Curator's SharedCount: four
// bytes, big-endian. Acquire and TryAcquire create a missing znode with the
// number initial.
//
// A limit of 0 or less closes the semaphore: Acquire waits until the limit
// rises, TryAcquire returns ErrNoPermits.
func SharedLimit(path string, initial int) Limit { return Limit{initial, path} }

// shared reports whether the limit is read from a znode. The zero Limit is a
// fixed one, of no permits.
func (l Limit) shared() bool { return l.node != "" }

func (l Limit) validate() error {
	if !l.shared() {
		if l.permits < 1 || l.permits > math.MaxInt32 {
			return fmt.Errorf("the option Permits(%d) is out of range; give 1 to %d", l.permits, math.MaxInt32)
		}
		return nil
	}
	if err := validLimit(l.permits); err != nil {
		return fmt.Errorf("the option SharedLimit: %w", err)
	}
	if err := znode.Validate(l.node); err != nil {
		return fmt.Errorf("the option SharedLimit: %w", err)
	}
	return nil
}

func validPermits(n int) error {
	if n < 1 || n > math.MaxInt32 {
		return fmt.Errorf("%d permits: the number must be from 1 to %d", n, math.MaxInt32)
	}
	return nil
}

func validLimit(n int) error {
	if n < 0 || n > math.MaxInt32 {
		return fmt.Errorf("a limit of %d: it must be from 0 (closed) to %d", n, math.MaxInt32)
	}
	return nil
}

// read returns the limit that the connected server knows. It does not create a
// missing znode of a shared limit.
func (l Limit) read(ctx context.Context, sm *core.Manager) (int, error) {
	if !l.shared() {
		return l.permits, nil
	}
	data, _, err := sm.Get(ctx, l.node)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return l.permits, nil
	case err != nil:
		return 0, err
	}
	return l.decode(data)
}

var errNotALimit = errors.New("a limit has four bytes, as Curator's SharedCount; " +
	"if no other program needs the znode, delete it: the next Acquire creates it again")

func (l Limit) decode(data []byte) (int, error) {
	if len(data) != 4 {
		return 0, fmt.Errorf("%s holds %d bytes: %w", l.node, len(data), errNotALimit)
	}
	return int(int32(binary.BigEndian.Uint32(data))), nil
}

func encodeLimit(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

// enough refuses n permits if the limit is less than n. It does not refuse them
// if the semaphore is closed, because it may open again.
func enough(n, limit int) error {
	if limit > 0 && n > limit {
		return fmt.Errorf("%w: %d asked for, the limit is %d", ErrTooManyPermits, n, limit)
	}
	return nil
}

// limitView is the limit as a waiting candidate knows it.
type limitView struct {
	Limit
	s *core.Session

	now     int         // 0 or less lets no candidate in
	broken  error       // why the data of the znode are not a limit; now is 0 then
	version int32       // of the znode
	watch   *core.Watch // nil for a fixed limit
}

// look reads the limit and watches it. It creates a missing znode.
func (v *limitView) look(ctx context.Context) error {
	v.stop()
	if !v.shared() {
		v.now = v.permits
		return nil
	}
	for {
		data, stat, watch, err := v.s.GetW(ctx, v.node)
		if err == nil {
			v.watch, v.version = watch, stat.Version
			v.now, v.broken = v.decode(data)
			return nil
		}
		if err := v.orMake(ctx, err); err != nil {
			return err
		}
	}
}

// orMake creates the znode if a read found none. It returns nil if another read
// may succeed.
func (v *limitView) orMake(ctx context.Context, err error) error {
	if !errors.Is(err, core.ErrNoNode) {
		return err
	}
	_, err = v.s.CreateWithParents(ctx, v.node, encodeLimit(v.permits))
	if err != nil && !errors.Is(err, core.ErrNodeExists) && !errors.Is(err, core.ErrUnknownOutcome) {
		return err
	}
	return nil // if the outcome is unknown, the next read shows it, or finds ctx or the session ended
}

// enough refuses n permits that exceed the limit. The connected server may not
// know of a raised limit yet, so a sync comes before the refusal.
func (v *limitView) enough(ctx context.Context, n int) error {
	for {
		err := enough(n, v.now)
		if err == nil || !v.shared() {
			return err
		}
		if err := v.s.Sync(ctx, v.node); err != nil {
			return err
		}
		if !v.stale() {
			return err
		}
		if err := v.look(ctx); err != nil {
			return err
		}
	}
}

// closed returns why the limit lets no candidate in, and nil if it does.
func (v *limitView) closed() error {
	switch {
	case v.broken != nil:
		return v.broken
	case v.now <= 0:
		return fmt.Errorf("a limit of %d in %s closes the semaphore", v.now, v.node)
	}
	return nil
}

// stale reports whether the limit has changed since it was read.
func (v *limitView) stale() bool { return v.watch != nil && v.watch.Event() != 0 }

// changed returns a channel that is closed when the limit has changed, and nil
// for a fixed limit.
func (v *limitView) changed() <-chan struct{} {
	if v.watch == nil {
		return nil
	}
	return v.watch.Done()
}

func (v *limitView) stop() {
	if v.watch != nil {
		v.watch.Stop()
		v.watch = nil
	}
}

// Limit returns the number of permits in all. For a shared limit it asks a
// server that has caught up with its leader, so every Resize that has returned
// is seen. ctx bounds the requests. Limit is safe for concurrent use.
func (s *Semaphore) Limit(ctx context.Context) (int, error) {
	s.made()
	n, err := 0, s.err
	if err == nil && s.limit.shared() {
		err = s.sm.Sync(ctx, s.limit.node)
	}
	if err == nil {
		n, err = s.limit.read(ctx, s.sm)
	}
	if err != nil {
		return 0, core.Failed("get limit", s.path, err)
	}
	return n, nil
}

// Resize sets the shared limit to n, for every user of the semaphore, and wakes
// the first waiter. A limit of 0 closes the semaphore until the next Resize.
//
// No holder loses a permit: if more than n are held, none is given until enough
// have been released. A permit is given at one instant of ZooKeeper's history,
// by the limit and the holders of that instant. That instant is at most a
// second older than the last request of the Acquire or TryAcquire. A call that
// is under way when Resize returns may still use the earlier limit.
//
// ctx bounds the requests. Resize returns an error, and writes nothing, if the
// znode does not hold a limit or is owned by a session, or if the semaphore's
// limit is fixed. If an answer is lost, the error may be
// session.ErrUnknownOutcome: call Limit, or Resize again. Resize is safe for
// concurrent use; the last write counts.
func (s *Semaphore) Resize(ctx context.Context, n int) error {
	s.made()
	return core.Failed("resize semaphore", s.path, s.resize(ctx, n))
}

func (s *Semaphore) resize(ctx context.Context, n int) error {
	switch {
	case s.err != nil:
		return s.err
	case !s.limit.shared():
		return fmt.Errorf("its limit of %d is fixed by the program; only the limit of SharedLimit can be changed", s.limit.permits)
	}
	if err := validLimit(n); err != nil {
		return err
	}
	for {
		data, stat, err := s.sm.Get(ctx, s.limit.node)
		if err == nil {
			if stat.EphemeralOwner != 0 {
				return fmt.Errorf("%s belongs to the session %v: it is not a limit; check the path", s.limit.node, session.ID(stat.EphemeralOwner))
			}
			if _, err := s.limit.decode(data); err != nil {
				return err // another program may need it
			}
			if err := s.sm.AdmitWrite(ctx, s.limit.node); err != nil {
				return err
			}
			// A server that lags refuses the write, and has caught up by then.
			_, err = s.sm.Set(ctx, s.limit.node, encodeLimit(n), stat.Version)
			if errors.Is(err, core.ErrBadVersion) && !errors.Is(err, core.ErrUnknownOutcome) {
				continue
			}
		}
		if !errors.Is(err, core.ErrNoNode) || errors.Is(err, core.ErrUnknownOutcome) {
			return err
		}
		_, err = s.sm.CreateWithParents(ctx, s.limit.node, encodeLimit(n))
		if !errors.Is(err, core.ErrNodeExists) || errors.Is(err, core.ErrUnknownOutcome) {
			return err
		}
	}
}

package counter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/grace"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/session"
)

// DefaultBlock is how many numbers a Sequence fetches at a time.
const DefaultBlock = 1000

// Sentinel errors of a Sequence. Compare with errors.Is: they arrive wrapped.
var (
	// ErrSequenceClosed is returned by Next after Close.
	ErrSequenceClosed = errors.New("the sequence is closed")
	// ErrSetBack says that the node holds a smaller number than this Sequence has
	// seen: somebody has deleted it or set it back, and numbers would be given
	// twice. Set the node above the greatest number in use, and try again.
	ErrSetBack = errors.New("the sequence was set back: its numbers would be given twice")
)

// SequenceOption changes a Sequence.
type SequenceOption func(*Sequence)

// Block sets how many numbers are fetched at a time, with one write. What is
// left of a block when the process ends is lost.
func Block(n int64) SequenceOption { return func(s *Sequence) { s.block = n } }

// LowWater sets with how many numbers left the next block is fetched in the
// background. The default is a quarter of the block. With a negative one
// it is fetched when it is needed, and not before.
func LowWater(n int64) SequenceOption { return func(s *Sequence) { s.low, s.lowSet = n, true } }

// Sequence gives numbers, from 1 upwards, of which none is given twice over all
// processes that use the path. It fetches them in blocks. It is safe for
// concurrent use.
type Sequence struct {
	c      *Counter
	block  int64
	low    int64
	lowSet bool
	err    error
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex
	now    span   // what is given at present
	next   span   // what comes then, if it was fetched already
	top    int64  // the greatest number of any block of ours
	failed error  // of the last fetch: there is no other before it is needed
	fetch  *fetch // under way
}

// span is the numbers from at to end.
type span struct{ at, end int64 }

func (s span) left() int64 { return s.end - s.at }

// fetch is a block on its way, for all who wait for it.
type fetch struct {
	done chan struct{}
	err  error
}

// NewSequence returns the sequence at path, which is below sm's root. It does
// no I/O and starts nothing; a path or option that cannot be used is reported
// by Next.
func NewSequence(sm *session.Manager, path string, opts ...SequenceOption) *Sequence {
	s := &Sequence{c: New(sm, path), block: DefaultBlock}
	misuse.Apply("counter.NewSequence", s, opts)
	s.err = s.c.err
	if s.err == nil && s.block < 1 {
		s.err = fmt.Errorf("a block of %d numbers: it must have at least one", s.block)
	}
	if !s.lowSet {
		s.low = s.block / 4
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Next returns a number that nobody else gets. It waits for a server only when
// the present block is used up and the next one not there yet.
//
// ctx bounds that wait, and a ctx that is done gets no number. Errors: ctx's;
// ErrOverflow when the numbers are used up; ErrSetBack; *FormatError;
// ErrSequenceClosed; session.ErrClosed; session.ErrNoAuth. After an error Next
// may be called again.
func (s *Sequence) Next(ctx context.Context) (int64, error) {
	misuse.ZeroValue(s == nil, "or nil counter.Sequence", "counter.NewSequence")
	s.c.made()
	if err := ctx.Err(); err != nil {
		return 0, s.fail(gaveUp(ctx, err))
	}
	for {
		n, f, err := s.take()
		if f == nil || err != nil {
			return n, err
		}
		select {
		case <-f.done:
			if f.err != nil {
				return 0, s.fail(f.err)
			}
		case <-ctx.Done():
			return 0, s.fail(gaveUp(ctx, ctx.Err()))
		}
	}
}

// take returns a number, or what to wait for.
func (s *Sequence) take() (int64, *fetch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, nil, s.fail(s.err)
	}
	if s.now.left() == 0 {
		s.now, s.next = s.next, span{}
	}
	if s.now.left() == 0 {
		if s.fetch == nil {
			s.start()
		}
		return 0, s.fetch, nil
	}
	n := s.now.at
	s.now.at++
	if s.now.left() <= s.low && s.next.left() == 0 && s.fetch == nil && s.failed == nil {
		s.start()
	}
	return n, nil, nil
}

// start fetches a block in the background. The caller holds mu.
func (s *Sequence) start() {
	f := &fetch{done: make(chan struct{})}
	s.fetch = f
	s.work.Go(func() {
		got, err := s.reserve()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.err != nil { // closed meanwhile
			err = s.err
		}
		f.err, s.failed, s.fetch = err, err, nil
		if err == nil {
			s.next, s.top = got, got.end-1
		}
		close(f.done)
	})
}

// reserve takes the next block out of the counter. A block of which it is not
// known whether we have it is left to nobody.
func (s *Sequence) reserve() (span, error) {
	s.mu.Lock()
	top := s.top
	s.mu.Unlock()
	for {
		var setBack error
		end, err := s.c.update(s.ctx, func(old int64) (int64, bool, error) {
			switch {
			case old < top:
				setBack = fmt.Errorf("%w: the node holds %d, after %d", ErrSetBack, old, top)
				return 0, false, setBack
			case old < 0:
				return 0, false, fmt.Errorf("%w: the node holds %d, which is negative", ErrSetBack, old)
			case old > math.MaxInt64-1-s.block:
				return 0, false, fmt.Errorf("%w: there is no block of %d behind %d", ErrOverflow, s.block, old)
			}
			return old + s.block, true, nil
		})
		switch {
		case err == nil:
			return span{end - s.block + 1, end + 1}, nil
		case errors.Is(err, core.ErrUnknownOutcome) && s.ctx.Err() == nil && !errors.Is(err, core.ErrClosed):
			// Whatever became of it: the next block lies behind it.
		default:
			return span{}, err
		}
	}
}

// Close ends the Sequence and waits until nothing of it is left running. For a
// hook that runs it waits for a second at most, so that the hook may call it.
// The numbers that were not given are lost. It may be called more than once;
// the error is always nil.
func (s *Sequence) Close() error {
	misuse.ZeroValue(s == nil, "or nil counter.Sequence", "counter.NewSequence")
	s.c.made()
	s.mu.Lock()
	if s.err == nil {
		s.err = ErrSequenceClosed
	}
	s.mu.Unlock()
	s.cancel()
	grace.For(grace.Done(s.work.Wait))
	return nil
}

func (s *Sequence) fail(err error) error {
	return fmt.Errorf("sequence %s: next: %w", s.c.path, err)
}

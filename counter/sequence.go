package counter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/ctxend"
	"github.com/docent-go/docent/internal/grace"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/session"
)

// DefaultBlock is the default size of a Sequence's blocks.
const DefaultBlock = 1000

// Sentinel errors of a Sequence. Compare with errors.Is: they arrive wrapped.
var (
	// ErrSequenceClosed is returned by Next after Close.
	ErrSequenceClosed = errors.New("the sequence is closed")
	// ErrSetBack says that the node's number is smaller than a number that this
	// Sequence has seen: a client has deleted the node or set it back. Numbers
	// would be given twice. Set the node above the greatest number in use, and
	// try again.
	ErrSetBack = errors.New("the sequence was set back, and would give numbers twice")
)

// SequenceOption changes a Sequence.
type SequenceOption func(*Sequence)

// Block sets the number of numbers that one write fetches. The rest of a block
// is lost when the Sequence or its process ends.
func Block(n int64) SequenceOption { return func(s *Sequence) { s.block = n } }

// LowWater sets when the next block is fetched in the background: when n
// numbers are left. The default is a quarter of the block. With a negative n, a
// block is fetched only when it is needed.
func LowWater(n int64) SequenceOption { return func(s *Sequence) { s.low, s.lowSet = n, true } }

// Sequence gives numbers from 1 upwards, which are unique over all processes
// that use the path. It fetches them in blocks. It is safe for concurrent use.
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
	now    span   // the present block
	next   span   // the next block, if it was fetched already
	top    int64  // the greatest number of our blocks
	failed error  // of the last fetch; after it a block is fetched only when needed
	fetch  *fetch // the running fetch, or nil
}

// span is the numbers from at, up to but not including end.
type span struct{ at, end int64 }

func (s span) left() int64 { return s.end - s.at }

// fetch is a running fetch of a block, which callers wait for.
type fetch struct {
	done chan struct{}
	err  error
}

// NewSequence returns the sequence at path, which is relative to sm's root. It
// does no I/O and starts no goroutine. If the path or an option is invalid,
// Next returns the error.
func NewSequence(sm *session.Manager, path string, opts ...SequenceOption) *Sequence {
	s := &Sequence{c: New(sm, path), block: DefaultBlock}
	misuse.Apply("counter.NewSequence", s, opts)
	s.err = s.c.err
	if s.err == nil && s.block < 1 {
		s.err = fmt.Errorf("Block(%d): a block must have at least one number", s.block)
	}
	if !s.lowSet {
		s.low = s.block / 4
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Next returns a unique number. It waits for a server only if the present block
// is used up and the next block has not arrived.
//
// ctx bounds that wait. If ctx has ended already, Next gives no number. Errors:
// the error of ctx; ErrOverflow if the numbers are used up; ErrSetBack;
// *FormatError; ErrSequenceClosed; session.ErrClosed; session.ErrNoAuth; an
// invalid path or option. After an error Next may be called again. Next is safe
// for concurrent use.
func (s *Sequence) Next(ctx context.Context) (int64, error) {
	misuse.ZeroValue(s == nil, "or nil counter.Sequence", "counter.NewSequence")
	s.c.made()
	if err := ctx.Err(); err != nil {
		return 0, s.fail(ctxend.Join(ctx, err))
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
			return 0, s.fail(ctxend.Err(ctx))
		}
	}
}

// take returns a number, or the fetch to wait for.
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
		if s.err != nil { // closed during the fetch
			err = s.err
		}
		f.err, s.failed, s.fetch = err, err, nil
		if err == nil {
			s.next, s.top = got, got.end-1
		}
		close(f.done)
	})
}

// reserve takes the next block from the counter. If the outcome of its write is
// unknown, the block is given up, and no Sequence gives its numbers.
func (s *Sequence) reserve() (span, error) {
	s.mu.Lock()
	top := s.top
	s.mu.Unlock()
	for {
		var setBack error
		end, err := s.c.update(s.ctx, func(old int64) (int64, bool, error) {
			switch {
			case old < top:
				setBack = fmt.Errorf("%w: its node has %d, after %d; set it above the greatest number in use", ErrSetBack, old, top)
				return 0, false, setBack
			case old < 0:
				return 0, false, fmt.Errorf("%w: its node has the negative number %d; set it above the greatest number in use", ErrSetBack, old)
			case old > math.MaxInt64-1-s.block:
				return 0, false, fmt.Errorf("%w: a block of %d does not fit after %d", ErrOverflow, s.block, old)
			}
			return old + s.block, true, nil
		})
		switch {
		case err == nil:
			return span{end - s.block + 1, end + 1}, nil
		case errors.Is(err, core.ErrUnknownOutcome) && s.ctx.Err() == nil && !errors.Is(err, core.ErrClosed):
			// Take the next block, which begins after the one in doubt.
		default:
			return span{}, err
		}
	}
}

// Close ends the Sequence and waits until its goroutines have ended. For a
// running hook it waits one second at most, so that the hook may call Close.
// The rest of its blocks is lost. Close may be called more than once. The error
// is always nil.
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

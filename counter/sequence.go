package counter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/grace"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// DefaultBlock is the default size of a Sequence's blocks.
const DefaultBlock = 1000

// ErrSetBack says that the znode's number is smaller than a number that this
// Sequence has seen: a client has deleted the znode or set it back. Numbers
// would be given twice. Set the znode above the greatest number in use, and try
// again. Compare with errors.Is: it arrives wrapped in a *session.OpError.
var ErrSetBack = errors.New("the sequence was set back, and would give numbers twice")

const setForward = "set it above the greatest number in use"

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
// Its zero value and nil panic in every method.
type Sequence struct {
	c      *Counter
	block  int64
	low    int64
	lowSet bool
	ctx    context.Context
	cancel context.CancelFunc
	fetch  singleflight.Group // one fetch for all callers that need a block

	mu     sync.Mutex
	err    error // why no number can be given
	now    span  // the present block
	next   span  // the next block, if it was fetched already
	top    int64 // the greatest number of our blocks
	ahead  bool  // a fetch of the next block runs before it is needed
	failed error // of the last fetch; after it a block is fetched only when needed
}

// span is the numbers from at, up to but not including end.
type span struct{ at, end int64 }

func (s span) left() int64 { return s.end - s.at }

// NewSequence returns the sequence at path, which is relative to sm's root. It
// does no I/O and starts no goroutine. If the path or an option is invalid,
// Next returns the error. The format is Int64.
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
// *FormatError; session.ErrClosed after Close, or after the end of the Manager;
// session.ErrNoAuth; an invalid path or option. After an error Next may be
// called again. Next is safe for concurrent use.
func (s *Sequence) Next(ctx context.Context) (int64, error) {
	s.made()
	n, err := s.wait(ctx)
	if err != nil {
		return 0, s.c.fail("get next number", err)
	}
	return n, nil
}

func (s *Sequence) wait(ctx context.Context) (int64, error) {
	if err := ctxend.Err(ctx); err != nil {
		return 0, err
	}
	for {
		if n, err := s.take(); err != nil || n > 0 {
			return n, err
		}
		select {
		case fetched := <-s.fetch.DoChan("", s.refill):
			if fetched.Err != nil {
				return 0, fetched.Err
			}
		case <-ctx.Done():
			return 0, ctxend.Err(ctx)
		}
	}
}

// take returns a number, or zero if a block has to be fetched.
func (s *Sequence) take() (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	if s.now.left() == 0 {
		s.now, s.next = s.next, span{}
	}
	if s.now.left() == 0 {
		return 0, nil
	}
	n := s.now.at
	s.now.at++
	if s.now.left() <= s.low && s.next.left() == 0 && !s.ahead && s.failed == nil {
		s.ahead = true
		s.fetch.DoChan("", s.refill)
	}
	return n, nil
}

// refill fetches the next block, unless it is there already: another fetch may
// have ended since the caller looked.
func (s *Sequence) refill() (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || s.next.left() > 0 {
		return nil, s.err
	}
	top := s.top
	s.mu.Unlock()
	got, err := s.reserve(top)
	s.mu.Lock()
	if s.err != nil { // closed during the fetch
		err = s.err
	}
	if err == nil {
		s.next, s.top = got, got.end-1
	}
	s.ahead, s.failed = false, err
	s.fetch.Forget("") // a take from now on begins another fetch
	return nil, err
}

// reserve takes the next block from the counter, above top. If the outcome of
// its write is unknown, the block is given up, and no Sequence gives its
// numbers.
func (s *Sequence) reserve(top int64) (span, error) {
	for {
		end, err := s.c.update(s.ctx, func(old int64) (int64, bool, error) {
			switch {
			case old < top:
				return 0, false, fmt.Errorf("%w: its znode has %d, after %d; %s", ErrSetBack, old, top, setForward)
			case old < 0:
				return 0, false, fmt.Errorf("%w: its znode has the negative number %d; %s", ErrSetBack, old, setForward)
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
	s.made()
	s.mu.Lock()
	if s.err == nil {
		s.err = core.ClosedError("the sequence")
	}
	s.mu.Unlock()
	s.cancel()
	grace.For(grace.Done(func() {
		_, _, _ = s.fetch.Do("", s.refill) // joins the running fetch, and begins no other
	}))
	return nil
}

// made panics for a Sequence that NewSequence has not made, or has made without
// a Manager.
func (s *Sequence) made() {
	misuse.ZeroValue(s == nil, "or nil counter.Sequence", "counter.NewSequence")
	s.c.made()
}

package core

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/wire"
)

// ReadOp is one read of ReadMany: the data and the stat of the node at Path, or
// the names of its children.
type ReadOp struct {
	Path     string
	Children bool // read the names of the children instead of the data
}

// ReadResult is the result of one read of ReadMany.
type ReadResult struct {
	Data []byte
	// Stat is the stat of a node whose data was read. With Children it is zero,
	// because servers do not return it with the names.
	Stat     Stat
	Children []string // in no order
	// Err is the error of this read, such as ErrNoNode or ErrNoAuth, or nil.
	Err error
}

// ReadMany reads many nodes in few requests, and returns one result for each
// read, in the order of ops. A failed read has an error in its result, and does
// not stop the others. ReadMany sets no watches.
//
// The server executes each request at one instant, but other sessions may
// change nodes between two requests. ReadMany begins with small requests. It
// adapts the size of the next request to the size of the answers, for answers
// of about 256 KiB. Two requests are outstanding at a time. Servers before
// ZooKeeper 3.6 do not support the request, and close the connection. The
// Manager remembers that, and ReadMany then reads node by node.
//
// ctx bounds the whole call. Like every read, it is repeated over lost
// connections until ctx or the session ends. Errors: ErrTooLarge if a path does
// not fit into a request, ErrSessionEnded, ctx's error. With an error, there
// are no results. ReadMany is safe for concurrent use.
func (s *Session) ReadMany(ctx context.Context, ops []ReadOp) ([]ReadResult, error) {
	return s.readAll(ctx, ops, firstReads)
}

// ReadManyFunc is ReadMany for a caller that can process the first results
// while the server reads the others. It calls take for the results of each
// request, in the order of ops. take must not block for long, because at most
// one request is outstanding meanwhile. If ReadManyFunc fails, take has got the
// results of the first ops.
// It ends, without an error, when take returns false.
func (s *Session) ReadManyFunc(ctx context.Context, ops []ReadOp, take func([]ReadResult) bool) error {
	return s.readMany(ctx, ops, firstReads, take)
}

// ReadSome is ReadMany for a caller with limited memory. It returns the results
// of the first ops, at least one: it stops once the results hold bytes of data
// or more. What they hold beyond is the rest of one answer.
func (s *Session) ReadSome(ctx context.Context, ops []ReadOp, bytes int) ([]ReadResult, error) {
	var some []ReadResult
	err := s.readMany(ctx, ops, firstReads, func(results []ReadResult) bool {
		for _, r := range results {
			some = append(some, r)
			bytes -= len(r.Data)
		}
		return bytes > 0
	})
	if err != nil {
		return nil, err
	}
	return some, nil
}

// ReadTogether is ReadMany for a caller that expects a small answer: all reads
// go into one request, if they fit into one.
func (s *Session) ReadTogether(ctx context.Context, ops []ReadOp) ([]ReadResult, error) {
	return s.readAll(ctx, ops, len(ops))
}

// readAll is ReadMany. first is the number of reads in the first request.
func (s *Session) readAll(ctx context.Context, ops []ReadOp, first int) ([]ReadResult, error) {
	all := make([]ReadResult, 0, len(ops))
	err := s.readMany(ctx, ops, first, func(results []ReadResult) bool {
		all = append(all, results...)
		return true
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// readMany is ReadManyFunc. first is the number of reads in the first request.
func (s *Session) readMany(ctx context.Context, ops []ReadOp, first int, take func([]ReadResult) bool) error {
	s.made()
	requests, err := s.readRequests(ops)
	if err != nil {
		return err
	}
	batch := readBatch{n: first}
	var said error
	var ahead *sentReads // the request after the one that the loop waits for
	failures := 0
	for done := 0; done < len(ops); {
		left := ops[done:]
		if s.m.noMultiRead.Load() {
			return s.readEach(ctx, left, take)
		}
		start := time.Now()
		now := ahead
		if now == nil {
			link, err := s.waitUp(ctx)
			if err != nil {
				return s.report(readManyOp, left[0].Path, start, s.last(ctx, err, said))
			}
			now = batch.send(link, requests[done:], s.requestLimit())
		}
		ahead = nil
		if rest := requests[done+now.n:]; batch.measured && len(rest) > 0 {
			ahead = batch.send(now.call.Conn(), rest, s.requestLimit())
		}
		answers, o, err := outcomeOf(ctx, s, now.request, now.call)
		if err != nil && ahead != nil {
			// The second request is sent again later, because the results must
			// be in order.
			ahead.call.Await(ctx, s.ctx.Done())
			ahead = nil
		}
		var large *largeAnswer
		switch {
		case errors.As(err, &large):
			batch.tooMany(now.n, large.bytes)
			continue
		case errors.Is(err, ErrUnimplemented):
			s.m.noMultiRead.Store(true)
			continue
		case err == nil:
			s.report(readManyOp, left[0].Path, start, nil)
			results := make([]ReadResult, len(answers))
			for i, r := range answers {
				results[i] = s.readResult(left[i], r)
			}
			if !take(results) {
				if ahead != nil { // its answer, which is under way, is not needed
					ahead.call.Await(cancelled, s.ctx.Done())
				}
				return nil
			}
			done += len(results)
			failures = 0
			continue
		case o.final(), o == open:
			return s.report(readManyOp, left[0].Path, start, err)
		case s.over(ctx):
			return s.report(readManyOp, left[0].Path, start, s.last(ctx, err, said))
		}
		said = err
		batch.n, batch.measured = max(1, now.n/2), false // the answer may have been too large for the connection
		s.sleep(ctx, failures)
		failures++
	}
	return nil
}

const readManyOp = "read many"

// readRequests checks the reads and translates them for the protocol.
func (s *Session) readRequests(ops []ReadOp) ([]wire.MultiOp, error) {
	requests := make([]wire.MultiOp, len(ops))
	for i, op := range ops {
		if err := znode.ValidateRoot(op.Path); err != nil {
			return nil, s.refuse(readManyOp, op.Path, err)
		}
		r := wire.MultiOp{Op: wire.OpGetData, Path: s.abs(op.Path)}
		if op.Children {
			r.Op = wire.OpGetChildren
		}
		if err := s.fits(wire.MultiSize + r.Size()); err != nil {
			return nil, s.refuse(readManyOp, op.Path, err)
		}
		requests[i] = r
	}
	return requests, nil
}

// readResult converts one result of an answer.
func (s *Session) readResult(op ReadOp, r wire.Result) ReadResult {
	if r.Code != wire.CodeOK {
		_, err := classify(r.Code)
		return ReadResult{Err: s.refuse(op.name(), op.Path, err)}
	}
	// A copy, because all results share the memory of the answer.
	return ReadResult{Data: bytes.Clone(r.Data), Stat: Stat(r.Stat), Children: r.Children}
}

func (op ReadOp) name() string {
	if op.Children {
		return "list children"
	}
	return "get"
}

// readEach reads node by node.
func (s *Session) readEach(ctx context.Context, ops []ReadOp, take func([]ReadResult) bool) error {
	for _, op := range ops {
		var r ReadResult
		if op.Children {
			r.Children, _, r.Err = s.Children(ctx, op.Path)
		} else {
			r.Data, r.Stat, r.Err = s.Get(ctx, op.Path)
		}
		if r.Err != nil && !errors.Is(r.Err, ErrNoNode) && !errors.Is(r.Err, ErrNoAuth) {
			return r.Err
		}
		if !take([]ReadResult{r}) {
			return nil
		}
	}
	return nil
}

// How many reads one request has. The first answer is small even if each node
// is as large as a server accepts. Servers do not limit their answers, but an
// answer blocks the connection while it is transferred.
//
// The sizes of the nodes are not known before. Large nodes after many small ones
// make an answer far larger than expected. An answer of more than maxAnswer
// bytes is dropped as it arrives, and fewer nodes are read at a time from then
// on. So ReadMany needs at most maxAnswer bytes beside its results, or what one
// node has.
const (
	firstReads  = 16
	maxReads    = 2000
	readsGrow   = 8
	answerBytes = 256 << 10
	maxAnswer   = 4 << 20
)

// cancelled has ended: a wait with it withdraws a request, if that is possible.
var cancelled = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// readBatch sizes requests by the previous answers. Once an answer was
// measured, two requests are outstanding: the server works on one while the
// answer to the other is transferred and processed.
type readBatch struct {
	n        int
	measured bool
	most     int // the maximum n after an answer that was too large; 0: maxReads
}

// tooMany makes the requests smaller after an answer of a size to n reads, which
// was dropped.
func (b *readBatch) tooMany(n, size int) {
	b.n, b.measured, b.most = max(1, min(n/2, answerBytes/max(1, size/n))), false, firstReads
}

// sentReads is a request with n reads.
type sentReads struct {
	n       int
	request request[[]wire.Result]
	call    *conn.Call
}

func (b *readBatch) send(link *conn.Conn, requests []wire.MultiOp, limit int) *sentReads {
	now := b.take(requests, limit)
	r := b.request(now)
	return &sentReads{len(now), r, r.send(link)}
}

// requestLimit returns the size up to which reads are combined in one request.
func (s *Session) requestLimit() int {
	s.mu.Lock()
	server := s.server
	s.mu.Unlock()
	return s.m.progress.requestLimit(server, s.m.cfg.MaxRequest)
}

// take returns the reads of the next request, at least one.
func (b *readBatch) take(requests []wire.MultiOp, limit int) []wire.MultiOp {
	size := wire.MultiSize
	for i, r := range requests {
		if size += r.Size(); i > 0 && (i == b.n || size > limit) {
			return requests[:i]
		}
	}
	return requests
}

func (b *readBatch) request(ops []wire.MultiOp) request[[]wire.Result] {
	limit := maxAnswer
	if len(ops) == 1 {
		limit = 0 // there is no smaller request
	}
	return request[[]wire.Result]{
		limit: limit,
		frame: func() []byte { return wire.MultiRead(ops) },
		parse: func(body []byte) ([]wire.Result, error) {
			results, err := wire.ResultsOf(body, len(ops))
			if err == nil {
				err = answersTo(ops, results)
			}
			if err == nil {
				fit := answerBytes / max(1, len(body)/len(ops))
				b.n, b.measured = min(max(1, fit), len(ops)*readsGrow, cmp.Or(b.most, maxReads)), true
			}
			return results, err
		},
	}
}

// answersTo checks that each read has an answer of its kind.
func answersTo(ops []wire.MultiOp, results []wire.Result) error {
	if len(results) != len(ops) {
		return fmt.Errorf("the server's answer to %d reads holds %d results", len(ops), len(results))
	}
	for i, r := range results {
		if r.Code == wire.CodeOK && r.Op != ops[i].Op {
			return fmt.Errorf("the server answered a %s with a result of %s", ops[i].Op, r.Op)
		}
	}
	return nil
}

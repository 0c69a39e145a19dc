package groupmembership

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/base/problem"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/standing"
	"github.com/docent-go/docent/internal/recipe/views"
)

// Run takes part in the division as the member id until ctx ends. It joins the
// group, claims its share of the partitions, calls f for each, in a goroutine
// of its own, and leaves the group in the end.
//
// The context that f gets ends in four cases:
//
//   - ctx ends: the cause is the cause of that end;
//   - Run ends because another function has failed, or by an error of its own,
//     such as ErrPartitionCount: the cause matches that error. The partition
//     stays ours until f has returned.
//   - the claim is lost: the cause matches session.ErrLost, and f must stop its
//     work at once;
//   - the partition is to go to another member: the cause is ErrMoved. The
//     partition stays ours until f has returned, and other members wait for it.
//
// f has to return soon after that. The claim may still be lost meanwhile:
// part.Context ends then. How f returns decides how Run goes on:
//
//   - f returns nil while its context lasts: the member keeps the partition, and
//     f is called again with the same token: at once if f worked for a second,
//     and otherwise after a random pause, which grows to ten seconds.
//   - f returns an error that matches session.ErrReclaim: Run releases the claim
//     and goes on. The partition is claimed anew, by this member or another, with
//     a new token. If f keeps returning it within a second, the member
//     pauses before its next claim, for a random time that grows to ten
//     seconds. OnPartitionEnd gets the error, and Run never returns it.
//   - f returns another error while its context lasts: Run ends, and returns it.
//   - The claim was lost, or the partition moved, before f returned: Run goes
//     on, whatever f returned, since the error may be a consequence.
//     OnPartitionEnd gets the error.
//   - Run ends for another reason, before f returned: Run returns that reason,
//     joined with the error of f unless that is the error of its context.
//     OnPartitionEnd gets both.
//   - ctx has ended: Run returns the error of ctx, joined with the error of f
//     unless that is the error of its context.
//
// Run returns when every f has returned, all claims are given up, and the
// member has left the group. A claim that is still being made then, for which f
// was not called, is removed in the background. A panic of f is not caught. If
// f ends its goroutine, Run ends. Run is safe for concurrent use: each call is
// a member, and needs an id of its own. Run never returns nil. Errors:
//
//   - f's; ctx's; session.ErrClosed;
//   - ErrPartitionCount; the errors of Group.Join;
//   - session.ErrNoAuth if the members or the claims may not be listed at the
//     start, or a partition may not be claimed. A znode that may not be read
//     later does not end Run (see Partitioner).
func (p *Partitioner) Run(ctx context.Context, id string, f func(ctx context.Context, part *Partition) error) error {
	misuse.NilFunc(f == nil, "Partitioner.Run")
	p.made()
	return core.Failed(opRun, p.path, p.run(ctx, id, f))
}

func (p *Partitioner) run(ctx context.Context, id string, f func(ctx context.Context, part *Partition) error) error {
	if p.err != nil {
		return p.err
	}
	m, err := p.group.Join(ctx, id, p.payload)
	if err != nil {
		return err
	}
	if p.onJoin != nil {
		p.onJoin(m)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &partitionRun{
		p: p, m: m, f: f, ctx: ctx, tasks: make([]*task, p.n), ended: make(chan *task), view: newDivision(p.n),
		unseen: make([]int, p.n), reclaims: make([]int, p.n), problem: problem.To(p.onProblem),
	}
	err = r.follow()
	cancel(r.ending(err)) // does nothing if the caller's ctx has ended
	// First the group, then the partitions: the others plan without us, and
	// wait for the partitions that we still work on.
	left := m.Leave(context.Background())
	r.work.Wait()
	if errors.Is(left, core.ErrClosed) {
		left = nil // the member went with the session
	}
	return oneline.Join(err, oneline.Join(r.failures...), left)
}

// opRun is the operation of the errors of Run.
const opRun = "run partitioner"

// runEnd is why Run ends while its ctx lasts: the cause of the contexts of the
// functions that still work.
type runEnd struct{ err error }

func (e *runEnd) Error() string { return e.err.Error() }
func (e *runEnd) Unwrap() error { return e.err }

// ending returns the reason why Run ends: err, or the failures of tasks.
func (r *partitionRun) ending(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &runEnd{core.Failed(opRun, r.p.path, oneline.Join(err, oneline.Join(r.failures...)))}
}

// partitionRun is one Run under way.
type partitionRun struct {
	p    *Partitioner
	m    *Membership
	f    func(context.Context, *Partition) error
	ctx  context.Context
	tree *views.Tree
	work sync.WaitGroup

	// unread is why the number of partitions could not be read at the last
	// claim; nil if it could.
	unread atomic.Pointer[error]
	// unseen is how often in a row a claim was refused because of a claim that
	// the view does not show. Only the present task of a partition uses its
	// element.
	unseen []int // by partition
	// reclaims is how often in a row f has returned core.ErrReclaim within a second.
	// Only the present task of a partition uses its element.
	reclaims []int // by partition

	// Only the loop uses the following.
	tasks   []*task // by partition: being claimed, owned, or being given up
	ended   chan *task
	view    *division
	number  int64            // the zxid of the number under which we claim
	shown   int64            // the zxid of the number that was last seen
	shownIn *views.TreeState // the first view that showed it
	in      bool             // this member is in the group
	due     bool             // something has changed that affects the plan
	planner
	numbers, owners []int // of target, reused
	// seenWhole says that a view has shown all members and all claims.
	seenWhole bool
	noticed   error // the last argument of report
	problem   problem.Reporter

	mu       sync.Mutex
	failures []error // of tasks
}

const (
	shortWork = time.Second // an f that returns within it is called again after a pause
	// againAfter is the time until a failed write of the number is repeated, if
	// no view shows the outcome before.
	againAfter = 250 * time.Millisecond
)

// follow acts on one view after the other, until ctx ends or an error ends the
// Run.
func (r *partitionRun) follow() (err error) {
	if r.tree, err = r.p.open(r.ctx); err != nil {
		return err
	}
	defer r.tree.Close()
	for {
		// Load before adjust, so that no change is missed.
		st, member := r.tree.Load(), r.m.node.State()
		pause, err := r.adjust(st)
		if err != nil {
			return err
		}
		if failed, err := r.sleep(st, member, pause); failed || err != nil {
			return err
		}
	}
}

// sleep waits for a new view, a new state of the member, the end of a task, or
// the end of the pause if it is not zero. It reports whether a task has failed.
func (r *partitionRun) sleep(st *views.TreeState, member *standing.State, pause time.Duration) (failed bool, err error) {
	over, stop := backoff.After(pause)
	defer stop()
	select {
	case <-st.Next():
	case <-member.Next():
	case <-over:
	case t := <-r.ended:
		return r.forget(t), nil
	case <-r.tree.Done():
		return false, r.tree.Err()
	case <-r.ctx.Done():
		return false, ctxend.Err(r.ctx)
	}
	return false, nil
}

// forget removes a task that has ended, and all other tasks that have ended by
// now. It reports whether a task has failed.
func (r *partitionRun) forget(t *task) (failed bool) {
	for more := true; more; {
		r.tasks[t.number], r.due = nil, true
		select {
		case t = <-r.ended:
		default:
			more = false
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}

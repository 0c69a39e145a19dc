package groupmembership

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/ctxend"
	"github.com/docent-go/docent/internal/mirror"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/oneline"
	"github.com/docent-go/docent/internal/standing"
)

// Run takes part in the division as the member id until ctx ends: it joins the
// group, claims the partitions that are due to it, calls f for each, in a
// goroutine of its own, and leaves the group in the end.
//
// The context that f gets ends when ctx does, when the claim is lost (the cause
// is session.ErrLost then), or when the partition is to go to another member
// (ErrMoved). f has to return soon after that: only then is the partition given
// up, and others wait for it. An f that returns nil before its context ends is
// called again, after a random pause that grows to ten seconds if it keeps
// returning within a second; the partition stays ours. An f that returns an
// error while it owns the partition ends Run, with that error.
//
// Run returns when every f has, all claims are given up, and the member has
// left the group. A claim that is still on its way then, for which f was not
// called, is removed in the background. It never returns nil. Errors besides
// those of f: ctx's; ErrPartitionCount; those of Group.Join; session.ErrClosed;
// session.ErrNoAuth when we may not list the members or the claims at the start, or
// claim a partition. A node that may not be read later does not end Run (see
// Partitioner). A panic of f is not caught. An f that ends its goroutine ends Run.
func (p *Partitioner) Run(ctx context.Context, id string, f func(ctx context.Context, part *Partition) error) error {
	misuse.NilFunc(f == nil, "Partitioner.Run")
	p.made()
	if p.err != nil {
		return failed("divide", p.path, p.err)
	}
	m, err := p.group.Join(ctx, id, p.data)
	if err != nil {
		return err
	}
	if p.joined != nil {
		p.joined(m)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &partitionRun{
		p: p, m: m, f: f, ctx: ctx, tasks: make([]*task, p.n), ended: make(chan *task), view: newDivision(p.n),
		unseen: make([]int, p.n),
	}
	err = r.follow()
	cancel()
	// First the group and then the partitions: the others make their plan
	// without us, and wait for what we still work on.
	left := m.Leave()
	r.work.Wait()
	if errors.Is(left, core.ErrClosed) {
		left = nil // the member went with the session
	}
	return oneline.Join(failed("divide", p.path, oneline.Join(err, oneline.Join(r.failures...))), left)
}

// partitionRun is one Run under way.
type partitionRun struct {
	p    *Partitioner
	m    *Membership
	f    func(context.Context, *Partition) error
	ctx  context.Context
	tree *mirror.Tree
	work sync.WaitGroup

	// unread is why the number of partitions could not be read when a partition was
	// claimed last.
	unread atomic.Pointer[error]
	// unseen is how often in a row a claim was refused for one that the view does not show.
	// Each number is the present task's alone.
	unseen []int // by partition

	// The loop's alone.
	tasks   []*task // by partition: being claimed, owned, or being given up
	ended   chan *task
	view    *division
	number  int64             // the zxid of the number under which we claim
	shown   int64             // the zxid of the number that was seen last
	shownIn *mirror.TreeState // where it was seen first
	in      bool              // we are one of them
	due     bool              // something has changed that the plan depends on
	planner
	numbers, owners []int // of target, to be used again
	// seenWhole says that a view told all who are members and what is claimed.
	seenWhole bool
	toldOf    error  // what tell was called with last
	trouble   string // what was told last; empty when all can be read

	mu       sync.Mutex
	failures []error // of tasks
}

// Pauses of a run.
const (
	shortWork  = time.Second // an f that returns sooner has returned at once
	leastPause = 100 * time.Millisecond
	mostPause  = 10 * time.Second
	// againAfter is when what could not be written is written again, if no
	// view tells before that how it came out.
	againAfter = 250 * time.Millisecond
)

// follow acts on one view after the other, until ctx ends or something fails.
func (r *partitionRun) follow() (err error) {
	if r.tree, err = r.p.open(r.ctx); err != nil {
		return err
	}
	defer r.tree.Close()
	for {
		// Before they are looked at, so that no change is missed.
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

// sleep waits for a reason to look again, for as long as the pause lasts if
// there is one. It reports whether a task has failed.
func (r *partitionRun) sleep(st *mirror.TreeState, member *standing.State, pause time.Duration) (failed bool, err error) {
	var over <-chan time.Time
	if pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		over = timer.C
	}
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

// forget takes out a task that has ended, and all others that have. It reports whether
// one has failed.
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

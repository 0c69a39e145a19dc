package groupmembership

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
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
// session.ErrNoAuth when we may not list the members or the claims, or claim a
// partition. A single node that may not be read does not end Run: OnProblem
// tells, the partition of such a claim is left alone, and such a member has no
// share. A panic of f is not caught.
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
	r := &partitionRun{p: p, m: m, f: f, ctx: ctx, tasks: make(map[int]*task), ended: make(chan *task)}
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

	// The loop's alone.
	tasks map[int]*task // by partition: being claimed, owned, or being given up
	ended chan *task
	seen  []string  // the members at last
	since time.Time // when they were first seen like this
	// seenWhole says that a view told all who are members and what is claimed.
	seenWhole bool
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
		delete(r.tasks, t.number)
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.failures) > 0, nil
	case <-r.tree.Done():
		return false, r.tree.Err()
	case <-r.ctx.Done():
		return false, line.GaveUp(r.ctx, r.ctx.Err())
	}
	return false, nil
}

// adjust starts and stops tasks until they are what the plan for this view
// says. A pause that is not zero is when to look again in any case.
func (r *partitionRun) adjust(st *mirror.TreeState) (pause time.Duration, err error) {
	r.tell(st.Err)
	switch err := whole(st); {
	case err == nil:
		r.seenWhole = true
	case r.seenWhole:
		return 0, nil // what is owned stays so until the view is whole again
	default:
		return 0, err
	}
	agreed, err := r.p.agree(r.ctx, r.m.id, st)
	if err != nil && r.ctx.Err() == nil && !errors.Is(err, core.ErrSessionEnded) || errors.Is(err, core.ErrClosed) {
		return 0, err
	}
	if !agreed {
		return againAfter, nil
	}
	ids := members(st)
	if !slices.Equal(ids, r.seen) {
		r.seen, r.since = ids, time.Now()
	}
	if rest := r.p.settle - time.Since(r.since); rest > 0 {
		return rest, nil
	}
	target := r.plan(ids, st)
	// A node that stands there under our id while we are out is another process's.
	in := r.m.State().In
	for number, t := range r.tasks {
		if !in || target[number] != r.m.id {
			t.stop(ErrMoved)
		}
	}
	for number, owner := range target {
		if in && owner == r.m.id && r.tasks[number] == nil && st.Get(claimName(number)) == nil {
			r.start(number)
		}
	}
	return 0, nil
}

// tell reports what may not be read, once.
func (r *partitionRun) tell(err error) {
	text := ""
	if err != nil {
		text = failed("divide", r.p.path, err).Error()
	}
	if text == r.trouble {
		return
	}
	r.trouble = text
	if r.p.told != nil {
		r.p.told(failed("divide", r.p.path, err))
	}
}

// plan says whose each partition should be. A partition whose claim may not be
// read, and is not ours, has an owner that is not known: it is not divided.
func (r *partitionRun) plan(ids []string, st *mirror.TreeState) []string {
	owners := r.owners(st)
	var numbers []int
	var known []string
	for i, owner := range owners {
		if r.tasks[i] != nil || st.Get(claimName(i)) != nil || st.Refused(claimName(i)) == nil {
			numbers, known = append(numbers, i), append(known, owner)
		}
	}
	target := make([]string, len(owners))
	for i, owner := range plan(ids, known) {
		target[numbers[i]] = owner
	}
	return target
}

// owners says whose each partition is in a view. What we own is ours, even where the
// view is too old to show it.
func (r *partitionRun) owners(st *mirror.TreeState) []string {
	owners := make([]string, r.p.n)
	for i := range owners {
		if claim := st.Get(claimName(i)); claim != nil && claim.Stat.EphemeralOwner != 0 {
			owners[i] = string(claim.Data)
		}
		if t := r.tasks[i]; t != nil && t.owns.Load() {
			owners[i] = r.m.id
		}
	}
	return owners
}

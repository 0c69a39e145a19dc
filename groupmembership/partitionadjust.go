package groupmembership

import (
	"cmp"
	"errors"
	"time"

	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/views"
)

// adjust starts and stops tasks until they match the plan for this view. If
// pause is not zero, adjust must be called again after it, even without a
// change.
func (r *partitionRun) adjust(st *views.TreeState) (pause time.Duration, err error) {
	if r.view.take(st) {
		r.due = true
	}
	r.report(oneline.Join(st.Err, r.view.keptClaims(r.p.claims())))
	switch err := whole(r.view); {
	case err == nil:
		r.seenWhole = true
	case r.seenWhole:
		return 0, nil // the tasks go on until the view is whole again
	default:
		return 0, err
	}
	before := r.number
	agreed, err := r.agree(st)
	if err != nil && r.ctx.Err() == nil && !errors.Is(err, core.ErrSessionEnded) || errors.Is(err, core.ErrClosed) {
		return 0, err
	}
	r.stopOlder(st)
	if !agreed {
		return againAfter, nil
	}
	if rest := r.rest(); rest > 0 {
		return rest, nil
	}
	// While we are out, a znode with our id belongs to another process.
	if in := r.m.State().In; r.due || in != r.in || before != r.number {
		r.in, r.due, r.view.unsettled = in, false, time.Time{}
		r.divide(in)
	}
	return 0, nil
}

// rest returns how long to wait before the next plan, after members have come
// or gone.
func (r *partitionRun) rest() time.Duration {
	v := r.view
	if r.p.settle >= 0 {
		return r.p.settle - time.Since(v.since)
	}
	pause := cmp.Or(r.p.group.opts.pause, views.DefaultPause)
	return min(calmPauses*pause/2-time.Since(v.since), maxPauses*pause-time.Since(v.unsettled))
}

// The number of pauses that a plan waits without Settle. While members come and
// go, the next view is at most two pauses away. So members that wait longer
// than that plan for the same members.
const (
	calmPauses = 5  // halves of a pause, in which no member comes or goes
	maxPauses  = 10 // at most
)

// stopOlder gives up the claims that are older than the number: rule 4.
func (r *partitionRun) stopOlder(st *views.TreeState) {
	dir := st.Get(claimsDir)
	for _, t := range r.tasks {
		if t != nil && (dir == nil || t.under != dir.Stat.Mzxid) {
			t.move()
		}
	}
}

// divide makes the plan for the view and carries it out.
func (r *partitionRun) divide(in bool) {
	ours, is := r.view.places[r.m.id]
	target := r.target()
	for number, t := range r.tasks {
		due := in && is && target[number] == ours
		switch {
		case t != nil && in && r.view.claims[number].hidden:
		case t != nil && !due:
			t.move()
		case t == nil && due && !r.view.claims[number].exists:
			r.start(number)
		}
	}
}

// target returns which member each partition should belong to. A partition
// whose claim may not be read has an owner that other members do not know. It
// is not divided, and stays with its owner.
func (r *partitionRun) target() []int {
	numbers, owners := r.numbers[:0], r.owners[:0]
	for i := range r.view.claims {
		c, t := &r.view.claims[i], r.tasks[i]
		if c.hidden {
			continue
		}
		owner := c.place
		// A partition that we own is ours, even if the view is too old to show
		// it.
		if t != nil && t.hold.Load() != nil {
			owner = unowned
			if place, is := r.view.places[r.m.id]; is {
				owner = place
			}
		}
		numbers, owners = append(numbers, i), append(owners, owner)
	}
	r.numbers, r.owners = numbers, owners
	r.plan(len(r.view.ids), owners)
	if len(owners) == r.p.n {
		return owners
	}
	target := make([]int, r.p.n)
	for i := range target {
		target[i] = unowned
	}
	for i, owner := range owners {
		target[numbers[i]] = owner
	}
	return target
}

// report calls OnProblem, once for each problem.
func (r *partitionRun) report(err error) {
	if unread := r.unread.Load(); err == nil && unread != nil {
		err = *unread
	}
	if err == r.noticed {
		return
	}
	r.noticed = err
	r.problem.Report(core.Failed("run partitioner", r.p.path, err))
}

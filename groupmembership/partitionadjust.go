package groupmembership

import (
	"cmp"
	"errors"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/mirror"
)

// adjust starts and stops tasks until they are what the plan for this view
// says. A pause that is not zero is when to look again in any case.
func (r *partitionRun) adjust(st *mirror.TreeState) (pause time.Duration, err error) {
	if r.view.take(st) {
		r.due = true
	}
	r.tell(st.Err)
	switch err := whole(r.view); {
	case err == nil:
		r.seenWhole = true
	case r.seenWhole:
		return 0, nil // what is owned stays so until the view is whole again
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
	// A node that stands there under our id while we are out is another process's.
	if in := r.m.State().In; r.due || in != r.in || before != r.number {
		r.in, r.due, r.view.unsettled = in, false, time.Time{}
		r.divide(in)
	}
	return 0, nil
}

// rest returns for how long to wait since members have come or gone.
func (r *partitionRun) rest() time.Duration {
	v := r.view
	if r.p.settle >= 0 {
		return r.p.settle - time.Since(v.since)
	}
	pause := cmp.Or(r.p.group.opts.pause, mirror.DefaultPause)
	return min(calmPauses*pause/2-time.Since(v.since), maxPauses*pause-time.Since(v.unsettled))
}

// For how many pauses a plan waits unless Settle says otherwise. While members come and go
// the next view is two pauses away at most, so that members that wait longer than that
// make their plans of the same members.
const (
	calmPauses = 5  // halves of one, in which nobody comes or goes
	maxPauses  = 10 // at most
)

// stopOlder gives up what was claimed before the number was written: rule 4.
func (r *partitionRun) stopOlder(st *mirror.TreeState) {
	dir := st.Get(claimsDir)
	for _, t := range r.tasks {
		if t != nil && (dir == nil || t.under != dir.Stat.Mzxid) {
			t.stop(ErrMoved)
		}
	}
}

// divide makes the plan for the view and follows it.
func (r *partitionRun) divide(in bool) {
	ours, is := r.view.places[r.m.id]
	target := r.target()
	for number, t := range r.tasks {
		due := in && is && target[number] == ours
		switch {
		case t != nil && in && r.view.claims[number].hidden:
		case t != nil && !due:
			t.stop(ErrMoved)
		case t == nil && due && !r.view.claims[number].exists:
			r.start(number)
		}
	}
}

// target says whose each partition should be. A partition whose claim may not be read has
// an owner that others do not know: it is not divided, and stays with its owner.
func (r *partitionRun) target() []int {
	numbers, owners := r.numbers[:0], r.owners[:0]
	for i := range r.view.claims {
		c, t := &r.view.claims[i], r.tasks[i]
		if c.hidden {
			continue
		}
		owner := c.place
		// What we own is ours, even where the view is too old to show it.
		if t != nil && t.owns.Load() {
			owner = nobody
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
		target[i] = nobody
	}
	for i, owner := range owners {
		target[numbers[i]] = owner
	}
	return target
}

// tell reports what may not be read, once.
func (r *partitionRun) tell(err error) {
	if unread := r.unread.Load(); err == nil && unread != nil {
		err = *unread
	}
	if err == r.toldOf {
		return
	}
	r.toldOf = err
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

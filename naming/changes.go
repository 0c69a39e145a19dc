package naming

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/docent-go/docent/internal/core"
)

// EventKind says what became of an instance.
type EventKind int

// What can become of an instance.
const (
	Added   EventKind = iota + 1
	Removed           // Event.Instance is as it was last seen
	Updated
)

// String names the kind, in lower case.
func (k EventKind) String() string {
	switch k {
	case Added:
		return "added"
	case Removed:
		return "removed"
	case Updated:
		return "updated"
	}
	return "unknown"
}

// Event is what became of one instance.
type Event struct {
	Kind     EventKind
	Instance Instance
}

// Change is one step of a service.
type Change struct {
	// View is the service after it.
	*View
	// Events lead from the Instances of the Change before to these, in the order
	// of their IDs. In the first Change each instance is added. There are none
	// where only Stale, Kept or Problems have changed.
	Events []Event
}

// Changes yields the present state, and then every change: of the instances, and
// of the marks Stale and Kept. It tells the newest state, not the history: what
// happens while the loop body runs, or within the Pause between two looks,
// comes in one Change, and what was undone in between is not told.
//
// An error is one of View.Problems that is new; each is yielded once, behind
// the Change with which it came, and the others of the service are served all
// the same. The end of ctx ends the sequence, and so does Close; the error
// session.ErrClosed does too.
func (s *Service) Changes(ctx context.Context) iter.Seq2[Change, error] {
	s.made()
	return func(yield func(Change, error) bool) {
		last := &View{}
		for first := true; ctx.Err() == nil; first = false {
			v := s.view.Load()
			var events []Event
			if !same(last.Instances, v.Instances) {
				events = diff(last.Instances, v.Instances)
			}
			if first || len(events) > 0 || last.Stale != v.Stale || last.Kept != v.Kept || !sameText(last.Why, v.Why) {
				if !yield(Change{v, events}, nil) {
					return
				}
			}
			for _, err := range v.Problems {
				if !has(last.Problems, err) && !yield(Change{v, nil}, err) {
					return
				}
			}
			last = v
			if v.Why != nil && s.ctx.Err() != nil && (v.Why == ErrNotWatched || v.Why == core.ErrClosed) {
				if errors.Is(v.Why, core.ErrClosed) {
					yield(Change{v, nil}, failed("watch", s.dir, v.Why))
				}
				return
			}
			select {
			case <-v.next:
			case <-ctx.Done():
			}
		}
	}
}

func has(all []error, err error) bool {
	for _, e := range all {
		if e == err {
			return true
		}
	}
	return false
}

// diff returns what lies between two lists of instances, both sorted by ID.
func diff(before, after []Instance) []Event {
	var events []Event
	for len(before) > 0 || len(after) > 0 {
		order := 0
		switch {
		case len(before) == 0:
			order = 1
		case len(after) == 0:
			order = -1
		default:
			order = strings.Compare(before[0].ID, after[0].ID)
		}
		switch {
		case order < 0:
			events = append(events, Event{Removed, before[0]})
		case order > 0:
			events = append(events, Event{Added, after[0]})
		case !before[0].Equal(after[0]):
			events = append(events, Event{Updated, after[0]})
		}
		if order <= 0 {
			before = before[1:]
		}
		if order >= 0 {
			after = after[1:]
		}
	}
	return events
}

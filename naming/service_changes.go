package naming

import (
	"context"
	"iter"
	"slices"

	"github.com/docent-go/docent/internal/base/treap"
	"github.com/docent-go/docent/internal/core"
)

// EventKind is what happened to an instance.
type EventKind int

// The kinds of events.
const (
	Added   EventKind = iota + 1
	Removed           // Event.Instance is as it was last seen
	Updated
)

// String returns the name of the kind, in lower case.
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

// Event is a change of one instance.
type Event struct {
	Kind     EventKind
	Instance Instance
}

// Change is one step of a service.
type Change struct {
	// View is the service after the step.
	*View
	// Events lead from the instances of the previous Change to the present
	// ones, in the order of their IDs. In the first Change each instance is
	// added. Events is empty if only Stale, Protected or Problems
	// have changed.
	Events []Event
}

// Changes yields the present state, and then every change of the instances, and
// of the marks Stale and Protected. It shows the newest state, not the history.
// What happens while the loop body runs, or within the Pause between two reads,
// comes in one Change; what was undone in between is left out. The cost of a
// Change is what has changed, however many instances there are.
//
// An error is a new one of View.Problems. Each is yielded once, after the
// Change with which it came, and the other instances are still served. The end
// of ctx ends the sequence, and so does Close. If the Manager is closed, the
// last element is the error session.ErrClosed.
func (s *Service) Changes(ctx context.Context) iter.Seq2[Change, error] {
	s.made()
	return func(yield func(Change, error) bool) {
		last := &View{}
		for first := true; ctx.Err() == nil; first = false {
			v := s.view.Load()
			var events []Event
			if last.list != v.list {
				events = diff(last.list, v.list)
			}
			if first || len(events) > 0 || last.Stale != v.Stale || last.Protected != v.Protected || !sameText(last.Err, v.Err) {
				if !yield(Change{v, events}, nil) {
					return
				}
			}
			for _, err := range added(last.Problems, v.Problems) {
				if !yield(Change{v, nil}, err) {
					return
				}
			}
			last = v
			switch v.Err {
			case s.closed:
				return
			case core.ErrClosed:
				yield(Change{v, nil}, core.Failed("watch service", s.dir, v.Err))
				return
			}
			select {
			case <-v.next:
			case <-ctx.Done():
			}
		}
	}
}

// added returns the problems that are new.
func added(before, now []error) []error {
	if same(before, now) {
		return nil
	}
	known := make(map[error]bool, len(before))
	for _, err := range before {
		known[err] = true
	}
	return slices.DeleteFunc(slices.Clone(now), func(err error) bool { return known[err] })
}

// diff returns the events between two listings, in the order of the IDs.
func diff(before, after *listing) []Event {
	var events []Event
	for c := range treap.Diff(before.instances(), after.instances()) {
		switch {
		case c.Before == nil:
			events = append(events, Event{Added, c.After.in})
		case c.After == nil:
			events = append(events, Event{Removed, c.Before.in})
		case !c.Before.in.Equal(c.After.in):
			events = append(events, Event{Updated, c.After.in})
		}
	}
	return events
}

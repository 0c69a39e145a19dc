package groupmembership

import (
	"bytes"
	"slices"
	"strings"
)

// EventKind is what happened to a member.
type EventKind int

// The kinds of events.
const (
	Joined  EventKind = iota + 1
	Left              // Event.Member is as it was last seen
	Updated           // the member has written its payload
)

// String returns the name of the kind, in lower case.
func (k EventKind) String() string {
	switch k {
	case Joined:
		return "joined"
	case Left:
		return "left"
	case Updated:
		return "updated"
	}
	return "unknown"
}

// Event is a change of one member.
type Event struct {
	Kind   EventKind
	Member Member
}

// Diff returns the events between two lists of members, both sorted by id.
// First come the members that left, by id. Then come the members that joined or
// were updated, in the order in which that happened. A member that left and
// came back in between, perhaps in another process, has both events. Of several
// updates, only the last is shown.
func Diff(before, after []Member) []Event {
	var left, came []Event
	for len(before) > 0 || len(after) > 0 {
		var order int
		switch {
		case len(before) == 0:
			order = 1
		case len(after) == 0:
			order = -1
		default:
			order = strings.Compare(before[0].ID, after[0].ID)
		}
		switch {
		case order == 0 && before[0].Token == after[0].Token:
			if before[0].mzxid != after[0].mzxid || before[0].Unread != after[0].Unread || !bytes.Equal(before[0].Payload, after[0].Payload) {
				came = append(came, Event{Updated, after[0]})
			}
		case order == 0:
			left = append(left, Event{Left, before[0]})
			came = append(came, Event{Joined, after[0]})
		case order < 0:
			left = append(left, Event{Left, before[0]})
		default:
			came = append(came, Event{Joined, after[0]})
		}
		if order <= 0 {
			before = before[1:]
		}
		if order >= 0 {
			after = after[1:]
		}
	}
	slices.SortStableFunc(came, func(a, b Event) int { return int(min(max(a.at()-b.at(), -1), 1)) })
	return append(left, came...)
}

// at is the zxid of the change that the event reports.
func (e Event) at() int64 {
	if e.Kind == Joined {
		return e.Member.Token
	}
	return e.Member.mzxid
}

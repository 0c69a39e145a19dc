package groupmembership

import (
	"strconv"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/mirror"
)

// division is what one view says of members and claims. The next view costs what
// has changed in it, except that a member that comes or goes costs a look at all.
type division struct {
	last      *mirror.TreeState
	ids       []string       // the members, sorted
	since     time.Time      // when they were first seen like this
	unsettled time.Time      // when the first of them came or went since the last plan
	places    map[string]int // of the ids
	claims    []claimed      // by partition
	failing   int            // nodes that could not be read last
}

// claimed is what is known of the claim of one partition.
type claimed struct {
	exists bool   // the node was seen
	hidden bool   // the node may not be read
	owner  string // empty where there is none
	place  int    // of the owner among the members, or nobody
}

func newDivision(partitions int) *division {
	d := &division{places: make(map[string]int), claims: make([]claimed, partitions)}
	for i := range d.claims {
		d.claims[i].place = nobody
	}
	return d
}

// take takes the next view. It reports whether anything has changed that a plan
// depends on.
func (d *division) take(now *mirror.TreeState) (changed bool) {
	came := false
	for c := range now.Since(d.last) {
		d.failing += failures(c.After) - failures(c.Before)
		dir, name, _ := strings.Cut(c.Key, "/")
		switch {
		case name == "":
		case dir == membersDir:
			came = came || isMember(c.Before) != isMember(c.After)
		case d.takeClaim(name, now):
			changed = true
		}
	}
	for c := range now.HiddenSince(d.last) {
		if dir, name, _ := strings.Cut(c.Key, "/"); dir == claimsDir && name != "" && d.takeClaim(name, now) {
			changed = true
		}
	}
	d.last = now
	if came {
		d.takeMembers(now)
	}
	return changed || came
}

// takeClaim reads one claim. A claim that belongs to no session has no owner: its
// partition is not to be had until somebody deletes it.
func (d *division) takeClaim(name string, now *mirror.TreeState) (changed bool) {
	number, err := strconv.Atoi(name)
	if err != nil || number >= len(d.claims) {
		return false
	}
	next := claimed{place: nobody, hidden: now.Refused(claimName(number)) != nil}
	if n := now.Get(claimName(number)); n != nil {
		next.exists = true
		if n.Stat.EphemeralOwner != 0 {
			next.owner = string(n.Data)
		}
	}
	if place, is := d.places[next.owner]; is {
		next.place = place
	}
	old := d.claims[number]
	d.claims[number] = next
	return old != next
}

// takeMembers reads who the members are.
func (d *division) takeMembers(now *mirror.TreeState) {
	d.ids, d.since = d.ids[:0], time.Now()
	if d.unsettled.IsZero() {
		d.unsettled = d.since
	}
	clear(d.places)
	for n := range now.Below(membersDir) {
		if isMember(n) {
			id := strings.TrimPrefix(n.Path, membersDir+"/")
			d.places[id] = len(d.ids)
			d.ids = append(d.ids, id)
		}
	}
	for i := range d.claims {
		c := &d.claims[i]
		c.place = nobody
		if place, is := d.places[c.owner]; is {
			c.place = place
		}
	}
}

// isMember reports whether a node among the members belongs to a session. One that may
// not be read counts as none, be it known from before or not: a member that comes later
// does not know it, and all have to plan for the same members.
func isMember(n *mirror.TreeNode) bool { return n != nil && n.Stat.EphemeralOwner != 0 && n.Err == nil }

func failures(n *mirror.TreeNode) int {
	if n == nil || n.Err == nil {
		return 0
	}
	return 1
}

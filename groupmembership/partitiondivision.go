package groupmembership

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/views"
)

// division is the members and claims of one view. The cost of the next view is
// what has changed in it, except that a member that comes or goes costs a pass
// over all.
type division struct {
	last      *views.TreeState
	ids       []string       // the members, sorted
	since     time.Time      // when they were first seen like this
	unsettled time.Time      // when the first member came or went since the last plan
	places    map[string]int // the index in ids of each id
	claims    []claimed      // by partition
	failing   int            // znodes that could not be read last
	kept      int            // how many claims are not ephemeral
}

// claimed is what is known of the claim of one partition.
type claimed struct {
	exists bool   // the znode was seen
	hidden bool   // the znode may not be read
	kept   bool   // the znode is not ephemeral, so no member can own the partition
	owner  string // empty if the claim has no owner
	place  int    // of the owner among the members, or unowned
}

func newDivision(partitions int) *division {
	d := &division{places: make(map[string]int), claims: make([]claimed, partitions)}
	for i := range d.claims {
		d.claims[i].place = unowned
	}
	return d
}

// take takes the next view. It reports whether anything has changed that
// affects a plan.
func (d *division) take(now *views.TreeState) (changed bool) {
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

// takeClaim reads one claim. A claim that is not ephemeral has no owner: its
// partition cannot be claimed until the znode is deleted by hand.
func (d *division) takeClaim(name string, now *views.TreeState) (changed bool) {
	number, err := strconv.Atoi(name)
	if err != nil || number >= len(d.claims) {
		return false
	}
	next := claimed{place: unowned, hidden: now.Refused(claimName(number)) != nil}
	if n := now.Get(claimName(number)); n != nil {
		next.exists = true
		if next.kept = core.Lasting(n.Stat); !next.kept {
			next.owner = string(n.Data)
		}
	}
	if place, is := d.places[next.owner]; is {
		next.place = place
	}
	old := d.claims[number]
	d.claims[number] = next
	switch {
	case next.kept && !old.kept:
		d.kept++
	case old.kept && !next.kept:
		d.kept--
	}
	return old != next
}

// keptClaims returns the error for the claims that are not ephemeral, or nil
// without any. path is the directory of the claims.
func (d *division) keptClaims(path string) error {
	if d.kept == 0 {
		return nil
	}
	paths := make([]string, 0, d.kept)
	for number, c := range d.claims {
		if c.kept {
			paths = append(paths, znode.Join(path, strconv.Itoa(number)))
		}
	}
	return fmt.Errorf("%s: %w; until then no member owns the partition", oneline.Names(paths), core.ErrNotEphemeral)
}

// takeMembers reads the ids of the members.
func (d *division) takeMembers(now *views.TreeState) {
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
		c.place = unowned
		if place, is := d.places[c.owner]; is {
			c.place = place
		}
	}
}

// isMember reports whether a znode of the members' directory is a member: it
// has a session and may be read. A znode that may not be read does not count,
// even if an earlier read is known. A member that comes later does not know
// that read, and all have to plan for the same members.
func isMember(n *views.TreeNode) bool { return n != nil && n.Stat.EphemeralOwner != 0 && n.Err == nil }

func failures(n *views.TreeNode) int {
	if n == nil || n.Err == nil {
		return 0
	}
	return 1
}

package groupmembership

import (
	"errors"
	"strconv"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/mirror"
)

// The members of one path have to divide the same number of partitions. The data
// of the claims' directory is that number; the zxid with which it was written
// names it. Members that know different numbers never work at the same time:
//
//  1. A member acts only on a view that shows its own number. A member that is
//     told another one is refused, unless nothing is claimed. Then the oldest
//     member writes its own number, and the others wait for what comes of it.
//  2. A member claims nothing until it has seen the number in a view without claims
//     that are older than the number: such claims may belong to members that know
//     another.
//  3. A member reads the number once more when its claim exists, in the session of
//     the claim, and works only if that is still the number of rule 2.
//  4. A member that sees its own number written anew gives up the claims that are
//     older, and claims again. Else those of rule 2 would wait for it.
//
// Proof. Let A work under the claim a and the number N, and B under the claim b and
// the later number M. By rule 3 N was the number when a existed already, so a is older
// than M. By rule 2 B has seen M in a view without a. That view is of an instant after a
// was made, so a had gone: A had given it up, or had lost it, before B claimed.
//
// A view that is Torn is not of one instant: it may lack a claim that the tree knows of and
// has not read yet. The tree has heard of all claims that are older than the number when it
// reads the number, and reads them in the next round at the latest. So of Torn views the
// second one that shows the number will do.

// agree reports whether a view shows the number of partitions that we know, so that
// partitions may be claimed under it.
func (r *partitionRun) agree(st *mirror.TreeState) (bool, error) {
	dir := st.Get(claimsDir)
	if dir == nil {
		return false, r.p.sm.EnsureDir(r.ctx, r.p.claims())
	}
	want, found := strconv.Itoa(r.p.n), string(dir.Data)
	switch {
	case found == want && dir.Stat.Version >= firstCount:
		return r.clear(st, dir), nil
	case found == want, found == "":
	case !isNumber(found) || dir.Stat.NumChildren > 0 || st.Err != nil:
		return false, &countError{found: found, want: r.p.n}
	case st.Torn || oldestMember(st) != r.m.id:
		return false, nil // the next view tells
	}
	_, err := r.p.sm.Set(r.ctx, r.p.claims(), []byte(want), dir.Stat.Version)
	switch {
	case errors.Is(err, core.ErrBadVersion), errors.Is(err, core.ErrNoNode), errors.Is(err, core.ErrUnknownOutcome):
		return false, nil // the next view tells
	case found == want && errors.Is(err, core.ErrNoAuth):
		return r.clear(st, dir), nil // it is the number of somebody who does not let us write
	}
	return false, err
}

// firstCount is the version of a directory with the first number under which anything
// is claimed: what was claimed before was claimed under none. A number that was there from
// the beginning is written once more for that.
const firstCount = 1

// clear reports whether a number has been seen without older claims. Once there
// are none, there will be none.
func (r *partitionRun) clear(st *mirror.TreeState, dir *mirror.TreeNode) bool {
	if r.number == dir.Stat.Mzxid {
		return true
	}
	if r.shown != dir.Stat.Mzxid {
		r.shown, r.shownIn = dir.Stat.Mzxid, st
	}
	if st.Torn && r.shownIn == st {
		return false
	}
	for claim := range st.Below(claimsDir) {
		if claim.Stat.EphemeralOwner != 0 && claim.Stat.Czxid < dir.Stat.Mzxid && dir.Stat.Version > firstCount {
			return false
		}
	}
	r.number = dir.Stat.Mzxid
	return true
}

// oldestMember returns the id of the member that has been in the group for longest.
func oldestMember(st *mirror.TreeState) (id string) {
	var oldest int64
	for n := range st.Below(membersDir) {
		if isMember(n) && (id == "" || n.Stat.Czxid < oldest) {
			id, oldest = n.Path[len(membersDir)+1:], n.Stat.Czxid
		}
	}
	return id
}

// isNumber reports whether the data of the claims' directory is a number of
// partitions, and not somebody else's.
func isNumber(data string) bool {
	_, err := strconv.Atoi(data)
	return err == nil
}

// countError is ErrPartitionCount with both numbers.
type countError struct {
	found string
	want  int
}

func (e *countError) Error() string {
	// What is no number is somebody's data, which no error shows.
	found := strconv.Itoa(len(e.found)) + " bytes that are no number"
	if n, err := strconv.Atoi(e.found); err == nil {
		found = strconv.Itoa(n)
	}
	return ErrPartitionCount.Error() + ": " + found + " instead of " + strconv.Itoa(e.want) +
		"; stop them all before the number is changed"
}

func (e *countError) Is(target error) bool { return target == ErrPartitionCount }

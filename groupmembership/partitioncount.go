package groupmembership

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/views"
)

// All members of one path have to divide the same number of partitions. The
// data of the claims' directory is that number. The zxid of its write
// identifies it. Members that know different numbers never work at the same
// time:
//
//  1. A member acts only on a view that shows its own number. A member
//     that finds another number is refused, unless no partition is
//     claimed. Then the oldest member writes its own number, and the
//     others wait for the outcome.
//  2. A member claims nothing until it has seen the number in a view
//     without claims that are older than the number: such claims may
//     belong to members that know another number.
//  3. After its claim is made, a member reads the number once more, in
//     the session of the claim. It works only if that is still the
//     number of rule 2.
//  4. A member that sees its own number written again gives up the
//     claims that are older, and claims again. Otherwise the members
//     that follow rule 2 would wait for it.
//
// Proof. Let A work under the claim a and the number N, and B under the claim b
// and the later number M. By rule 3, N was the number when a already existed,
// so a is older than M. By rule 2, B has seen M in a view without a. That view
// shows an instant after the create of a, so a had gone: A had given it up, or
// had lost it, before B claimed.
//
// A Torn view is not of one instant: it may lack a claim that the tree knows of
// and has not read yet. When the tree reads the number, it knows of all claims
// that are older than the number. It reads them in the next round at the
// latest. So if views are Torn, the second view that shows the number is
// enough.

// agree reports whether a view shows the number of partitions that we know, so
// that partitions may be claimed under it.
func (r *partitionRun) agree(st *views.TreeState) (bool, error) {
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
		return false, r.p.otherCount(found)
	case st.Torn || oldestMember(st) != r.m.id:
		return false, nil // the next view shows the outcome
	}
	_, err := r.p.sm.Set(r.ctx, r.p.claims(), []byte(want), dir.Stat.Version)
	switch {
	case errors.Is(err, core.ErrBadVersion), errors.Is(err, core.ErrNoNode), errors.Is(err, core.ErrUnknownOutcome):
		return false, nil // the next view shows the outcome
	case found == want && errors.Is(err, core.ErrNoAuth):
		return r.clear(st, dir), nil // another member has written the number, and its ACL does not let us write
	}
	return false, err
}

// firstCount is the version of a directory with the first number under which
// partitions are claimed. Claims under version 0 have no number. So a number
// that was there from the beginning is written once more.
const firstCount = 1

// clear reports whether a number has been seen in a view without older claims.
// No older claims can appear after that.
func (r *partitionRun) clear(st *views.TreeState, dir *views.TreeNode) bool {
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

// oldestMember returns the id of the member that has been in the group for
// longest.
func oldestMember(st *views.TreeState) (id string) {
	var oldest int64
	for n := range st.Below(membersDir) {
		if isMember(n) && (id == "" || n.Stat.Czxid < oldest) {
			id, oldest = n.Path[len(membersDir)+1:], n.Stat.Czxid
		}
	}
	return id
}

// isNumber reports whether the data of the claims' directory are a number of
// partitions, and not the data of another program.
func isNumber(data string) bool {
	_, err := strconv.Atoi(data)
	return err == nil
}

// otherCount returns the ErrPartitionCount for what the directory of claims
// holds, which is not our number.
func (p *Partitioner) otherCount(found string) error {
	return &countError{path: p.claims(), found: found, want: p.n}
}

// countError is ErrPartitionCount with both numbers.
type countError struct {
	path  string
	found string
	want  int
}

func (e *countError) Error() string {
	n, err := strconv.Atoi(e.found)
	if err != nil {
		// The data may be another program's: no error shows them.
		return fmt.Sprintf("%s holds %d bytes that are not a number of partitions; "+
			"if no other program needs them, write %d there, or delete the znode", e.path, len(e.found), e.want)
	}
	return fmt.Sprintf("%v: %d instead of %d; give %d, or stop all members to change the number", ErrPartitionCount, n, e.want, n)
}

func (e *countError) Is(target error) bool { return target == ErrPartitionCount }

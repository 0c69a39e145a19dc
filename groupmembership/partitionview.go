package groupmembership

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/mirror"
)

// open follows members and claims as one view, which they have to be: a
// partition that shows no owner must be one that had none when the members were
// those.
func (p *Partitioner) open(ctx context.Context) (*mirror.Tree, error) {
	return mirror.OpenTree(ctx, p.sm, mirror.TreeConfig{Path: p.path, Depth: 2, Keep: p.keep, Pause: p.group.opts.pause})
}

// keep leaves out what is neither a member nor a claim of ours.
func (p *Partitioner) keep(rel string) bool {
	dir, name, nested := strings.Cut(rel, "/")
	switch {
	case dir == membersDir:
		return true
	case dir != claimsDir:
		return false
	case !nested:
		return true
	}
	number, err := strconv.Atoi(name)
	return err == nil && number >= 0 && number < p.n && strconv.Itoa(number) == name
}

func claimName(number int) string { return claimsDir + "/" + strconv.Itoa(number) }

// look reads the view once. The error says what of it may not be read; without
// a view there is nothing to be told.
func (p *Partitioner) look(ctx context.Context) (*mirror.TreeState, error) {
	if p.err != nil {
		return nil, p.err
	}
	tree, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	st := tree.Load()
	if st.Rev == 0 {
		return nil, st.Err
	}
	for _, dir := range []string{"", claimsDir} {
		if err := st.Refused(dir); err != nil {
			return nil, err
		}
	}
	return st, st.Err
}

// whole returns nil if a view tells who the members are and which partitions are
// claimed, be it without single ones, and otherwise why it does not.
func whole(st *mirror.TreeState) error {
	for _, dir := range []string{membersDir, claimsDir} {
		if err := st.Refused(dir); err != nil {
			return err
		}
	}
	if st.Err == nil {
		return nil
	}
	// Without the directory of members, which we have made, the root was not
	// listed. An error that is not a node's says that the view may be old.
	hidden := st.Hidden
	partial := len(hidden) > 0 || slices.ContainsFunc(st.Nodes, func(n mirror.TreeNode) bool { return n.Err != nil })
	if !partial || st.Get(membersDir) == nil || errors.Is(st.Err, mirror.ErrHistory) {
		return st.Err
	}
	return nil
}

// members lists the ids of the members in a view, sorted.
func members(st *mirror.TreeState) []string {
	var ids []string
	for _, n := range st.Nodes {
		if id, ok := strings.CutPrefix(n.Path, membersDir+"/"); ok && n.Stat.EphemeralOwner != 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// agree reports whether a view shows the number of partitions that we know. The
// first member writes it down; a later one may write another as long as it is
// alone and nothing is claimed.
func (p *Partitioner) agree(ctx context.Context, id string, st *mirror.TreeState) (bool, error) {
	want := strconv.Itoa(p.n)
	dir := st.Get(claimsDir)
	if dir == nil {
		return false, p.sm.EnsureDir(ctx, p.claims())
	}
	switch found := string(dir.Data); {
	case found == want:
		return true, nil
	case found == "":
	case isNumber(found) && st.Err == nil && slices.Equal(members(st), []string{id}) && dir.Stat.NumChildren == 0:
	default:
		return false, &countError{found: found, want: p.n}
	}
	_, err := p.sm.Set(ctx, p.claims(), []byte(want), dir.Stat.Version)
	if errors.Is(err, core.ErrBadVersion) || errors.Is(err, core.ErrNoNode) || errors.Is(err, core.ErrUnknownOutcome) {
		err = nil // the next view tells
	}
	return false, err
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

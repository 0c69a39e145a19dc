package groupmembership

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/recipe/views"
)

// patience is as short as possible, so that a view is at most two pauses old. A
// plan from a Torn view is not worse: what other members do of their plans
// arrives in any order anyhow.
const patience = time.Nanosecond

// open follows members and claims in one view. They have to be in one view: if
// a partition shows no owner, it must have had none when the members were as
// shown.
func (p *Partitioner) open(ctx context.Context) (*views.Tree, error) {
	return views.OpenTree(ctx, p.sm, views.TreeConfig{
		Path: p.path, Depth: 2, Keep: p.keep, ReadOnce: isPayload, Pause: p.group.opts.pause, Patience: patience,
		MaxBytes: DefaultMaxBytes, // a member without its payload still counts
	})
}

// keep keeps members and claims, and leaves out all other znodes.
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
	// The claims of members that know a larger number count in rule 2.
	number, err := strconv.Atoi(name)
	return err == nil && number >= 0 && number < maxPartitions && strconv.Itoa(number) == name
}

// isPayload reports whether a znode's data do not matter: members report their
// progress in them.
func isPayload(rel string) bool { return strings.HasPrefix(rel, membersDir+"/") }

func claimName(number int) string { return claimsDir + "/" + strconv.Itoa(number) }

// look reads the view once. The error says which part of it may not be read. If
// nothing could be read, look returns no view.
func (p *Partitioner) look(ctx context.Context) (*views.TreeState, error) {
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

// whole returns nil if a view shows the members and the claims, even if single
// znodes are missing. Otherwise it returns the reason.
func whole(d *division) error {
	st := d.last
	for _, dir := range []string{membersDir, claimsDir} {
		if err := st.Refused(dir); err != nil {
			return err
		}
	}
	if st.Err == nil {
		return nil
	}
	// Run has made the directory of members: if the view does not show it, the
	// root was not listed. An error without a hidden or failing znode says that
	// the view may be old.
	partial := st.HiddenLen() > 0 || d.failing > 0
	if !partial || st.Get(membersDir) == nil || errors.Is(st.Err, views.ErrHistory) {
		return st.Err
	}
	return nil
}

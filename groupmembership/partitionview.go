package groupmembership

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/mirror"
)

// patience is as short as it can be: two pauses. A plan made of a Torn view is none the
// worse for it, since what others do of their plans comes in any order anyhow.
const patience = time.Nanosecond

// open follows members and claims as one view, which they have to be: a
// partition that shows no owner must be one that had none when the members were
// those.
func (p *Partitioner) open(ctx context.Context) (*mirror.Tree, error) {
	return mirror.OpenTree(ctx, p.sm, mirror.TreeConfig{
		Path: p.path, Depth: 2, Keep: p.keep, ReadOnce: isPayload, Pause: p.group.opts.pause, Patience: patience,
	})
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
	// Claims of members that know a larger number are looked for by rule 2.
	number, err := strconv.Atoi(name)
	return err == nil && number >= 0 && number < maxPartitions && strconv.Itoa(number) == name
}

// isPayload says of which nodes the data does not matter: members report their
// progress with it.
func isPayload(rel string) bool { return strings.HasPrefix(rel, membersDir+"/") }

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
	// Without the directory of members, which we have made, the root was not
	// listed. An error that is not a node's says that the view may be old.
	partial := st.HiddenLen() > 0 || d.failing > 0
	if !partial || st.Get(membersDir) == nil || errors.Is(st.Err, mirror.ErrHistory) {
		return st.Err
	}
	return nil
}

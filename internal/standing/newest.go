package standing

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/docent-go/docent/internal/core"
)

// Of several nodes that claim one path, the one that was opened last has it. The
// order is the ensemble's: the czxid with which a node stood for the first time.
// A node that returns has another czxid, and so carries the first one along, in
// an ACL entry without a permission. Data belongs to the recipe, and the version
// to whoever writes. The order never changes, so that two nodes cannot take the
// path from each other in turns.
const (
	markScheme = "digest"
	markPrefix = "docent-since-"
	markSuffix = ":x" // the scheme demands a hash; "x" is what a server shows for any
)

// mark is what a node of ours carries besides the configured ACL.
func (r *round) mark() []core.ACL {
	if r.cfg.Sequential {
		return nil // which no other process can claim
	}
	return markOf(r.first)
}

func markOf(first int64) []core.ACL {
	if first == 0 {
		return nil
	}
	return []core.ACL{{Scheme: markScheme, ID: markPrefix + strconv.FormatInt(first, 10) + markSuffix}}
}

// longestMark is as large as a mark can be.
var longestMark = markOf(math.MaxInt64)

// firstOf returns the first czxid of a node with the ACL.
func firstOf(acl []core.ACL, stat core.Stat) int64 {
	for _, a := range acl {
		text, found := strings.CutPrefix(a.ID, markPrefix)
		if !found || a.Scheme != markScheme || a.Perms != 0 {
			continue
		}
		first, err := strconv.ParseInt(strings.TrimSuffix(text, markSuffix), 10, 64)
		if err == nil && first > 0 && first < stat.Czxid {
			return first
		}
	}
	return stat.Czxid
}

// outranks reports whether our node was opened after the node in its place.
func (r *round) outranks(stat core.Stat) (bool, error) {
	if r.first == 0 || r.first > stat.Czxid {
		return true, nil
	}
	acl, now, err := r.s.ACL(always, r.path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return false, errChanged
	case errors.Is(err, core.ErrNoAuth):
		return false, nil // what cannot be read is left alone
	case err != nil:
		return false, err
	case now.Czxid != stat.Czxid:
		return false, errChanged
	}
	return r.first > firstOf(acl, now), nil
}

// errChanged says that the node in our place is another by now.
var errChanged = errors.New("the node in our place has changed")

// replaced is why our node is away for good: the rival was opened after it.
func replaced(rival *DuplicateError) error { return fmt.Errorf("%w: %w", ErrReplaced, rival) }

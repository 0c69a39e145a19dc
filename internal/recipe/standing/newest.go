package standing

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/docent-go/docent/internal/core"
)

// Of several nodes with one path, the node that was opened last has the path.
// The ensemble decides the order, by the czxid of each node's first create. A
// node that is made again has another czxid. So it carries its first czxid
// along, in an ACL entry without permissions: the data belongs to the recipe,
// and the version to any writer. The order never changes, so that two nodes
// cannot take the path from each other in turns.
const (
	markScheme = "digest"
	markPrefix = "docent-since-"
	markSuffix = ":x" // the scheme demands a hash; "x" is what a server shows for any
)

// mark is the ACL entry that a node of ours carries besides the configured ACL.
func (r *round) mark() []core.ACL {
	if r.cfg.Sequential {
		return nil // no other process can have a sequential path
	}
	return markOf(r.first)
}

func markOf(first int64) []core.ACL {
	if first == 0 {
		return nil
	}
	return []core.ACL{{Scheme: markScheme, ID: markPrefix + strconv.FormatInt(first, 10) + markSuffix}}
}

// longestMark is the largest possible mark.
var longestMark = markOf(math.MaxInt64)

// firstOf returns the czxid of the first node, by the ACL and the stat of the
// present one.
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

// outranks reports whether our node was opened after the node at our path.
func (r *round) outranks(stat core.Stat) (bool, error) {
	if r.first == 0 || r.first > stat.Czxid {
		return true, nil
	}
	acl, now, err := r.s.ACL(always, r.path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return false, errChanged
	case errors.Is(err, core.ErrNoAuth):
		return false, nil // an unreadable node is not replaced
	case err != nil:
		return false, err
	case now.Czxid != stat.Czxid:
		return false, errChanged
	}
	return r.first > firstOf(acl, now), nil
}

// errChanged says that the node at our path has been replaced by yet another.
var errChanged = errors.New("the znode in our place has changed")

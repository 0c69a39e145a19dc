package barrier

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
)

// ErrCount says that the members of a Double give different counts. The member
// that came first decides, and Enter of a member with another count fails.
var ErrCount = errors.New("the members give different counts")

// otherCount is the error of a member that gives another count than the others.
func (d *Double) otherCount(theirs int) error {
	return fmt.Errorf("%w: this member gives %d, and the barrier has members that give %d; give all members the same count",
		ErrCount, d.count, theirs)
}

// sameCount returns an error unless the round has as many members as this
// Double asks for. A round of another library does not tell its number.
func (d *Double) sameCount(r *round) error {
	if r.members == nil || len(r.members) == d.count {
		return nil
	}
	return d.otherCount(len(r.members))
}

// comer is a member that waits for a round.
type comer struct {
	name string
	stat core.Stat
}

// compare reads one other member that waits, and returns an error if that
// member came before ours with another count. So a wrong count is an error at
// once, and not only when enough members have come.
func (d *Double) compare(ctx context.Context, s *core.Session, names []string, self string) error {
	others := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == self })
	if len(others) == 0 {
		return nil
	}
	pair := []string{others[0], self}
	nodes, err := s.SeeOwners(ctx, []string{znode.Join(d.dir, others[0]), znode.Join(d.dir, self)})
	if err != nil {
		return err
	}
	_, err = d.agreed(pair, nodes)
	return err
}

// agreed returns the members that give the same count as this one, and the
// members of other libraries, which give no count. If the first of all members
// that give a count gives another one, the result is ErrCount. Members that came
// later with another count do not count. Nor does a persistent znode, which
// belongs to no session. It returns errChanged if a member has gone.
func (d *Double) agreed(names []string, nodes []*core.Sighting) (same []comer, err error) {
	first, theirs := int64(0), d.count // the member that came first, and its count
	for i, node := range nodes {
		if node == nil {
			return nil, errChanged
		}
		if core.Lasting(node.Stat) {
			continue
		}
		data, _ := owner.Parse(node.Data)
		if data.Count == 0 || data.Count == d.count {
			same = append(same, comer{names[i], node.Stat})
		}
		if data.Count != 0 && (first == 0 || node.Stat.Czxid < first) {
			first, theirs = node.Stat.Czxid, data.Count
		}
	}
	if theirs != d.count {
		return nil, d.otherCount(theirs)
	}
	return same, nil
}

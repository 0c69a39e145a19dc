package barrier

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/recognise"
)

// round is one round of members, as the node "ready" describes it.
//
// A member belongs to it if its node is older than "ready", by the zxids of the
// two, and "ready" names it. A member that has come back for the next round
// does not belong to it: its new node is younger.
type round struct {
	zxid    int64    // of the transaction that created "ready"
	number  int32    // the directory's version since then
	members []string // sorted; nil if another library created "ready", without names
}

// readyData is the data of "ready".
type readyData struct {
	Round   int32    `json:"round"`
	Members []string `json:"members"`
}

func readRound(data []byte, stat core.Stat) *round {
	r := &round{zxid: stat.Czxid}
	var d readyData
	if err := json.Unmarshal(data, &d); err == nil && len(d.Members) > 0 {
		r.number, r.members = d.Round, d.Members
		slices.Sort(r.members)
	}
	return r
}

// has reports whether the node with this name and czxid belongs to the round.
func (r *round) has(name string, czxid int64) bool {
	return czxid < r.zxid && (r.members == nil || r.named(name))
}

func (r *round) named(name string) bool {
	_, found := slices.BinarySearch(r.members, name)
	return found
}

// size returns the number of members of the round. A round of another library
// has count members.
func (r *round) size(count int) int {
	if r.members == nil {
		return count
	}
	return len(r.members)
}

// present returns the children of the directory that may be members of the
// round. A member with the same id that has come for the next round is among
// them: the caller compares the czxid of its node.
func (r *round) present(children []string) []string {
	all := members(children)
	if r.members == nil {
		return all
	}
	return slices.DeleteFunc(all, func(name string) bool { return !r.named(name) })
}

// look returns the present round, or nil without a round, and a watch on
// "ready", which the caller stops. With an error the watch is nil.
func (d *Double) look(ctx context.Context, s *core.Session) (*round, *core.Watch, error) {
	for {
		stat, found, watch, err := s.ExistsW(ctx, d.ready)
		switch {
		case err != nil:
			return nil, nil, err
		case !found:
			return nil, watch, nil
		case core.Hidden(stat):
			watch.Stop()
			return nil, nil, unreadable(d.ready)
		}
		r, err := d.read(ctx, s)
		if r != nil {
			return r, watch, nil
		}
		watch.Stop()
		if err != nil {
			return nil, nil, err
		}
	}
}

// read returns the present round, or nil without a round.
func (d *Double) read(ctx context.Context, s *core.Session) (*round, error) {
	data, stat, err := s.Get(ctx, d.ready)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return nil, nil
	case errors.Is(err, core.ErrNoAuth):
		return nil, unreadable(d.ready)
	case err != nil:
		return nil, err
	case !isRound(data):
		return nil, core.Foreign("%s has %d bytes of data that are not a round", d.ready, len(data))
	}
	return readRound(data, stat), nil
}

// unreadable returns the error of a node whose ACL keeps it from this session.
func unreadable(path string) error {
	return core.Failed("get", path, fmt.Errorf("%w: a member needs the right to read it", core.Explain(core.ErrNoAuth)))
}

// open begins a round if enough members have come. Otherwise it returns nil
// without an error. It returns errChanged if the members have changed in
// between: the caller calls it again. ErrDeleted says that e's node is gone.
// open sets e.stray.
//
// Every member calls open after it has created its node. So the last member
// sees that there are enough, and it does not matter which member begins the
// round.
func (d *Double) open(ctx context.Context, s *core.Session, e *entrant) (*round, error) {
	e.stray = ""
	children, dir, err := s.Children(ctx, d.dir)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return nil, core.ErrDeleted
	case err != nil:
		return nil, err
	}
	names := members(children)
	kept, err := d.recognise(ctx, s, children, dir, len(names) > 1)
	if err != nil {
		return nil, err
	}
	switch _, here := slices.BinarySearch(names, e.name); {
	case !here:
		return nil, core.ErrDeleted
	case slices.Contains(children, readyName):
		return nil, errChanged
	case len(names) < d.count:
		return nil, d.compare(ctx, s, names, e.name)
	}
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = znode.Join(d.dir, name)
	}
	nodes, err := s.SeeOwners(ctx, paths)
	if err != nil {
		return nil, err
	}
	for i, node := range nodes {
		if node != nil && core.Lasting(node.Stat) {
			e.stray = paths[i]
		}
	}
	comers, err := d.agreed(names, nodes)
	if err != nil || len(comers) < d.count {
		return nil, err
	}
	if names, err = d.first(comers); err != nil {
		return nil, err
	}
	return d.begin(ctx, s, names, kept, dir.Version)
}

var errChanged = errors.New("the barrier has changed during the reads")

// first returns the names of the count members that came first, sorted. If
// there are more, a member whose stat the server withholds is an error: its
// place is unknown.
func (d *Double) first(comers []comer) (in []string, err error) {
	if len(comers) > d.count {
		for _, c := range comers {
			if core.Hidden(c.stat) {
				return nil, unreadable(znode.Join(d.dir, c.name))
			}
		}
		slices.SortFunc(comers, func(a, b comer) int { return cmp.Compare(a.stat.Czxid, b.stat.Czxid) })
	}
	for _, c := range comers[:d.count] {
		in = append(in, c.name)
	}
	slices.Sort(in)
	return in, nil
}

// recognise returns ErrForeign if the directory is recognised as another
// recipe's. Otherwise it returns the directory's data, which a round writes
// back. A directory with members is a rendezvous, whatever other clients write
// into it. Only a directory with data costs a request.
func (d *Double) recognise(ctx context.Context, s *core.Session, children []string, dir core.Stat, others bool) ([]byte, error) {
	what := recognise.Directory(slices.DeleteFunc(slices.Clone(children), isMember))
	if what != "" && !others && !slices.Contains(children, readyName) {
		return nil, core.Foreign("%s", what)
	}
	if dir.DataLength == 0 {
		return nil, nil
	}
	data, _, err := s.Get(ctx, d.dir)
	if err == nil && !others && len(data) > 0 && !isAddress(data) {
		if what := recognise.Node(d.dir, data, core.Stat{}); what != "" {
			return data, core.Foreign("%s", what)
		}
		err = core.Foreign("%s has %d bytes of data, like a config key", d.dir, len(data))
	}
	return data, err
}

// begin creates "ready" in one transaction. The server refuses it unless all
// members' nodes exist and the directory has the version: no other round has
// begun since.
func (d *Double) begin(ctx context.Context, s *core.Session, in []string, kept []byte, version int32) (*round, error) {
	number := version + 1
	data, err := json.Marshal(readyData{number, in})
	if err != nil {
		return nil, err
	}
	ops := make([]core.Op, 0, len(in)+2)
	for _, name := range in {
		ops = append(ops, core.CheckOp(znode.Join(d.dir, name), core.AnyVersion))
	}
	ops = append(ops, core.SetOp(d.dir, kept, version), core.CreateOp(d.ready, data, core.Persistent))
	results, err := s.Txn(ctx, ops...)
	switch {
	case err == nil:
		return &round{zxid: results[len(in)].Stat.Mzxid, number: number, members: in}, nil
	case core.InDoubt(err),
		errors.Is(err, core.ErrNoNode), errors.Is(err, core.ErrBadVersion), errors.Is(err, core.ErrNodeExists):
		return nil, errChanged
	}
	return nil, err
}

// clear removes the "ready" of a round without members inside. It returns nil
// if another member has removed it already. It does not remove the "ready" of a
// later round.
func (d *Double) clear(ctx context.Context, s *core.Session, r *round) error {
	if r.members != nil {
		_, err := s.Txn(ctx, core.CheckOp(d.dir, r.number), core.DeleteOp(d.ready, core.AnyVersion))
		switch {
		case err == nil, errors.Is(err, core.ErrNoNode):
			return nil
		case errors.Is(err, core.ErrUnknownOutcome), !errors.Is(err, core.ErrBadVersion):
			return d.blocked(err)
		}
		// The next round has begun, or another client has written to the
		// directory.
	}
	// A round that begins after this read changes the directory's version.
	dir, found, err := s.StatOf(ctx, d.dir)
	if err != nil || !found {
		return err
	}
	_, stat, err := s.Get(ctx, d.ready)
	if errors.Is(err, core.ErrNoNode) || err == nil && stat.Czxid != r.zxid {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = s.Txn(ctx, core.CheckOp(d.dir, dir.Version), core.DeleteOp(d.ready, core.AnyVersion))
	switch {
	case errors.Is(err, core.ErrNoNode):
		return nil
	case errors.Is(err, core.ErrBadVersion):
		return errChanged
	}
	return d.blocked(err)
}

// blocked returns the error of a "ready" that cannot be removed. Only another
// client makes children of it.
func (d *Double) blocked(err error) error {
	if errors.Is(err, core.ErrNotEmpty) {
		return &notEmpty{core.Foreign("%s has children, so its round cannot end", d.ready)}
	}
	return err
}

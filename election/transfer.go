package election

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// What a Transfer can come to.
var (
	// ErrTransferred is the cause with which the context of Run's function ends
	// when somebody has named another leader.
	ErrTransferred = errors.New("the leadership was transferred to another candidate")
	// ErrNoCandidate says that no candidate of the name stands, or that it has
	// gone before it led.
	ErrNoCandidate = errors.New("there is no such candidate")
	// ErrStillLeads says that the leader had not stepped down when ctx ended.
	ErrStillLeads = errors.New("the present leader has not stepped down")
	// ErrOverruled says that another Transfer was asked for later.
	ErrOverruled = errors.New("another transfer was asked for later")
	// ErrNoLine is what Transfer returns in the OneNode layout.
	ErrNoLine = errors.New("nobody stands in line in the OneNode layout: a transfer needs another layout")
)

// Transfer makes the candidate with the id the leader: the present leader is
// asked to step down (Run, Term.Transferred), and those who come before the
// named one let it pass, by lining up again at the end. It returns nil when the
// named one is first in line, at once if it is so already. Of several with the
// id the first in line is meant.
//
// ctx bounds all of it. The wish lasts as long as the call: when ctx ends, it is withdrawn
// in the background, and the error matches ctx.Err() and ErrStillLeads and names who leads; a leader
// that was asked before does not take back that it steps down. While we are cut
// off, the wish can still come true, until our session has ended.
//
// It means the candidate that stands now. If that one goes before it leads, the
// wish is void, and the error matches ErrNoCandidate and says who stands. Of
// several transfers the last one counts; the earlier ones return ErrOverruled.
// Candidates in Java know nothing of transfers: one that leads or comes first
// keeps its place until it goes by itself.
//
// Other errors: session.ErrClosed; an invalid path; zk.ErrNoAuth when we may
// not list the directory or create in it.
func (e *Election) Transfer(ctx context.Context, id string) error {
	if err := e.transfer(ctx, id); err != nil {
		return fmt.Errorf("transfer %s to %q: %w", e.path, id, err)
	}
	return nil
}

func (e *Election) transfer(ctx context.Context, id string) error {
	switch {
	case e.err != nil:
		return e.err
	case e.wishes == nil:
		return ErrNoLine
	}
	if err := e.sm.Sync(ctx, e.path); err != nil { // who stands already is seen
		return line.GaveUp(ctx, err)
	}
	all, err := e.place.Contenders(ctx)
	if err != nil {
		return err
	}
	r := request{election: e, id: id}
	for _, c := range all {
		if string(c.Data) == id {
			r.target = c.Path
			break
		}
	}
	switch {
	case r.target == "":
		return noCandidate("", all)
	case r.target == all[0].Path:
		return nil
	}
	for n := 0; ; n++ {
		s, err := e.sm.Session(ctx)
		if err == nil {
			if err = r.in(ctx, s); err == nil {
				return nil
			}
		}
		switch {
		case ctx.Err() != nil && r.leads != "":
			return fmt.Errorf("%w (%q leads): %w", ErrStillLeads, r.leads, line.GaveUp(ctx, ctx.Err()))
		case ctx.Err() != nil:
			return line.GaveUp(ctx, err)
		case errors.Is(err, session.ErrClosed) || !errors.Is(err, session.ErrSessionEnded):
			return err
		}
		if err := line.Pause(ctx, n-1, leastRetry, mostRetry); err != nil {
			continue // the next round says how far it came
		}
	}
}

// request is one Transfer under way.
type request struct {
	election *Election
	id       string
	target   string // the path of the candidate's node
	since    int64  // the zxid of our wish, or of the one that it replaced; 0 before
	leads    string // the id of who was seen to lead last
}

// in asks within one session, and waits for what comes of it.
func (r *request) in(ctx context.Context, s *session.Session) error {
	node, err := r.place(ctx, s)
	if err != nil {
		return err
	}
	defer node.Abandon()
	stat, err := node.Watch(ctx)
	switch {
	case errors.Is(err, session.ErrDeleted):
		return ErrOverruled
	case err != nil:
		return err
	}
	r.since = stat.Czxid
	for {
		if done, err := r.step(ctx, s, node); done || err != nil {
			return err
		}
	}
}

// Pauses between attempts to put our wish in the place of another.
const (
	leastTurn = 10 * time.Millisecond
	mostTurn  = time.Second
)

// place makes the wish, in place of an older one.
func (r *request) place(ctx context.Context, s *session.Session) (*session.Node, error) {
	w := r.election.wishes
	_, name := znode.Split(r.target)
	data, err := json.Marshal(wish{ID: r.id, Node: name})
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		node, err := s.TryClaim(ctx, w.path(), data)
		if err == nil || !errors.Is(err, zk.ErrNodeExists) {
			return node, err
		}
		stat, found, err := s.Exists(ctx, w.path())
		switch {
		case err != nil:
			return nil, err
		case found && r.since != 0 && stat.Czxid > r.since:
			return nil, ErrOverruled
		case found:
			r.since = stat.Czxid
			// That wish and no other: a later one stands at the same path.
			if _, err = s.DeleteExact(ctx, w.path(), stat.Czxid); err != nil {
				return nil, err
			}
		}
		if err := line.Pause(ctx, n-1, leastTurn, mostTurn); err != nil {
			return nil, err
		}
	}
}

// step looks whether the wish is fulfilled or void, and waits for a change.
func (r *request) step(ctx context.Context, s *session.Session, node *session.Node) (done bool, err error) {
	first, found, watch, err := r.election.place.FirstW(ctx, s)
	if err != nil {
		return false, err
	}
	defer watch.Stop()
	if found && first.Path == r.target {
		return true, nil
	}
	r.leads = string(first.Data)
	_, _, gone, err := s.GetW(ctx, r.target) // which leaves no watch on a node that has gone already
	switch {
	case errors.Is(err, zk.ErrNoNode):
		return false, r.void(ctx, node)
	case err != nil:
		return false, err
	}
	defer gone.Stop()
	select {
	case <-watch.Done():
	case <-gone.Done():
	case <-node.Gone():
	case <-ctx.Done():
	case <-s.Done():
		return false, fmt.Errorf("%w: %w", session.ErrSessionEnded, s.Err())
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	select {
	case <-node.Gone():
		return false, ErrOverruled
	default:
		return false, nil
	}
}

// void is why the named one is not there any more: it has gone, unless it has
// stepped aside for a later wish.
func (r *request) void(ctx context.Context, node *session.Node) error {
	select {
	case <-node.Gone():
		return ErrOverruled
	default:
	}
	all, err := r.election.place.Contenders(ctx)
	if err != nil {
		return err
	}
	return noCandidate(" any more: it went before it led", all)
}

// mostNames is how many candidates an error names.
const mostNames = 8

func noCandidate(more string, all []line.Contender) error {
	names := make([]string, 0, mostNames+1)
	for _, c := range all[:min(len(all), mostNames)] {
		names = append(names, fmt.Sprintf("%q", c.Data))
	}
	switch {
	case len(all) == 0:
		return fmt.Errorf("%w%s; nobody stands", ErrNoCandidate, more)
	case len(all) > mostNames:
		names = append(names, fmt.Sprintf("and %d more", len(all)-mostNames))
	}
	return fmt.Errorf("%w%s; in line are %s", ErrNoCandidate, more, strings.Join(names, ", "))
}

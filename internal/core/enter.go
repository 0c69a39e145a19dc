package core

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/conn"
)

// Entry is one of this session's nodes in a directory, with the list of the
// directory after the node was created.
type Entry struct {
	*Node
	Name     string   // the node's name within the directory
	Czxid    int64    // the zxid of the create; 0 if the server is too old to return it
	Children []string // of the directory, Name among them; nil after EnterUnlisted
	Dir      Stat     // of the directory, from the same answer
}

// Enter creates an ephemeral sequential node in dir, and lists dir. The node's
// name is Curator's protection, the tag, and the sequence number. Enter creates
// dir if it is missing.
//
// The list request follows the create directly, without waiting for the
// create's answer: it costs no round trip of its own.
//
// Enter ensures that the returned node exists and belongs to this session.
// Either the create was answered on a connection of this session. Or its answer
// was lost, and Enter found the node by its unique name and compared its owner.
// When Enter fails, the node is missing, or it is swept in the background until
// the session ends. ctx bounds only the wait.
func (s *Session) Enter(ctx context.Context, dir, tag string, data []byte) (*Entry, error) {
	s.made()
	return s.enterAs(ctx, dir, tag, data, true)
}

// EnterUnlisted is Enter without the list, for a caller that expects to need
// only the sequence number. List requests the list afterwards. If the answer to
// the create is lost, EnterUnlisted lists the directory nevertheless.
func (s *Session) EnterUnlisted(ctx context.Context, dir, tag string, data []byte) (*Entry, error) {
	s.made()
	return s.enterAs(ctx, dir, tag, data, false)
}

func (s *Session) enterAs(ctx context.Context, dir, tag string, data []byte, listed bool) (*Entry, error) {
	start := time.Now()
	e, err := s.enter(ctx, &protected{dir: dir, data: data, listed: listed}, tag)
	return e, s.report(opCreateBelow, dir, start, err)
}

// List lists the directory of an entry without a list. If it fails, the node is
// gone (ErrDeleted), or is deleted in the background.
func (e *Entry) List(ctx context.Context) error {
	misuse.ZeroValue(e == nil || e.Node == nil, "or nil core.Entry", "Session.Enter")
	dir, _ := znode.Split(e.path)
	l, err := e.s.children(ctx, dir, false)
	if err == nil && !slices.Contains(l.names, e.Name) {
		err = ErrDeleted
	}
	if err != nil {
		e.Abandon()
		return err
	}
	e.Children, e.Dir = l.names, l.stat
	return nil
}

// EnterExisting is EnterUnlisted that returns ErrNoNode if dir is missing.
func (s *Session) EnterExisting(ctx context.Context, dir, tag string, data []byte) (*Entry, error) {
	s.made()
	start := time.Now()
	e, err := s.enter(ctx, &protected{dir: dir, data: data, existing: true}, tag)
	return e, s.report(opCreateBelow, dir, start, err)
}

// enter creates the node p, whose name has the tag.
func (s *Session) enter(ctx context.Context, p *protected, tag string) (*Entry, error) {
	dir, data := p.dir, p.data
	p.s, p.guid = s, znode.NewGUID()
	p.prefix = znode.Join(dir, znode.Protected(p.guid, tag))
	if err := cmp.Or(znode.ValidateRoot(dir), znode.Validate(p.prefix)); err != nil {
		return nil, err
	}
	// The server appends ten or eleven characters to the name.
	if err := s.fits(s.createSize(s.abs(p.prefix), data) + 11); err != nil {
		return nil, err
	}
	if err := s.admit(ctx, dir, anyAge); err != nil {
		return nil, err
	}
	var said error // the last answer of a server that has not executed the create
	for attempt := 0; ; attempt++ {
		link, err := s.waitUp(ctx)
		if err != nil {
			return nil, because(err, said)
		}
		e, again, err := p.try(ctx, link)
		switch {
		case again:
			said = err
			s.sleep(ctx, attempt)
		case errors.Is(err, ErrNoNode) && !p.existing:
			if attempt > 0 { // the directory was created, and is said to be missing
				s.sleep(ctx, attempt)
			}
			if err := s.ensureDir(ctx, s.abs(dir)); err != nil {
				return nil, err
			}
		case err != nil:
			return nil, err
		default:
			return p.secure(ctx, e)
		}
	}
}

// secure checks the directory, which cannot be deleted any longer.
func (p *protected) secure(ctx context.Context, e *Entry) (*Entry, error) {
	var dir *Stat
	if e.Dir.Czxid != 0 {
		dir = &e.Dir
	}
	if err := p.s.secured(ctx, p.dir, dir); err != nil {
		e.Abandon()
		return nil, err
	}
	return e, nil
}

// protected is a node whose creation has not ended yet.
type protected struct {
	s         *Session
	dir, guid string
	prefix    string
	data      []byte
	listed    bool // the caller wants the list of the directory
	existing  bool // a missing directory is an error
}

// creation is a create that was sent.
type creation struct {
	request request[createdNode]
	call    *conn.Call
}

func (s *Session) creation(r request[createdNode]) *creation { return &creation{r, r.call()} }

// outcome waits for the outcome of the create. A caller that waits longer may
// call it again.
func (c *creation) outcome(ctx context.Context, s *Session) (createdNode, outcome, error) {
	return outcomeOf(ctx, s, c.request, c.call)
}

// try sends the create, and the list, once, in one packet. again says that the
// create certainly was not done. err is then the reason.
func (p *protected) try(ctx context.Context, link *conn.Conn) (e *Entry, again bool, err error) {
	s := p.s
	withStat := !s.m.noStats.Load()
	create := s.creation(s.createRequest(s.abs(p.prefix), p.data, EphemeralSequential, withStat))
	list := s.childrenRequest(p.dir, false)
	var listed *conn.Call
	if p.listed || s.rejects() { // the list shows the incarnation of the directory
		listed = list.call()
		link.Send(create.call, listed)
	} else {
		link.Send(create.call)
	}
	m, o, err := create.outcome(ctx, s)
	switch {
	case withStat && errors.Is(err, ErrUnimplemented):
		s.m.lacks(&s.m.noStats, "create2")
		return nil, true, nil
	case o == executed:
		e, err := p.complete(ctx, m, list, listed)
		return e, false, err
	case o == refused:
		return nil, false, err
	case o == skipped:
		return nil, !s.over(ctx), err
	case o == unanswered && s.ctx.Err() != nil:
		return nil, false, err
	case o == unanswered && ctx.Err() != nil:
		s.sweepLater(sweep{dir: p.dir, guid: p.guid, pending: create})
		return nil, false, err
	}
	e, looked := p.find(ctx)
	if e == nil && looked == nil {
		s.own.absent(s.abs(p.prefix)) // the next create has the same prefix
	}
	if e == nil && looked == nil && o == open {
		return nil, false, err // the answer is why there is no node
	}
	return e, e == nil && looked == nil, looked
}

// complete waits for the list that was sent along with the create.
func (p *protected) complete(ctx context.Context, m createdNode, list request[listing], listed *conn.Call) (*Entry, error) {
	s := p.s
	_, name := znode.Split(m.path)
	e := &Entry{Node: &Node{s: s, path: m.path}, Name: name, Czxid: m.stat.Czxid}
	if listed == nil {
		return e, nil
	}
	l, o, err := outcomeOf(ctx, s, list, listed)
	switch {
	case o == executed && slices.Contains(l.names, name):
		if e.Dir = l.stat; p.listed {
			e.Children = l.names
		}
		return e, nil
	case s.ctx.Err() != nil:
		return nil, ended(s.Err())
	case ctx.Err() != nil:
		e.Abandon()
		return nil, err
	}
	// The list was lost with its connection, or another client has deleted the
	// node.
	if err := e.List(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// find looks for a node whose create has no answer. It returns nil, nil if the
// node does not exist. The check by a quorum before the list has a server that
// lags behind catch up. Such a server could miss the node.
func (p *protected) find(ctx context.Context) (*Entry, error) {
	s := p.s
	l, name, err := s.lookFor(ctx, p.dir, p.guid)
	if err != nil {
		s.sweepLater(sweep{dir: p.dir, guid: p.guid})
		return nil, err
	}
	if name == "" {
		return nil, nil
	}
	n := &Node{s: s, path: znode.Join(p.dir, name)}
	at, err := s.statOf(ctx, n.path)
	switch {
	case err != nil:
		n.Abandon()
		return nil, err
	case !at.found, !s.owns(at.stat):
		return nil, nil
	}
	return &Entry{n, name, at.stat.Czxid, l.names, l.stat}, nil
}

// lookFor returns the child of dir with the guid in its name that this session
// owns, or an empty name if the child certainly does not exist. If one child
// has the guid, lookFor does not ask for its owner.
func (s *Session) lookFor(ctx context.Context, dir, guid string) (listing, string, error) {
	if _, err := s.ask(ctx, dir); err != nil {
		return listing{}, "", err
	}
	l, err := s.children(ctx, dir, false)
	if errors.Is(err, ErrNoNode) {
		return listing{}, "", nil
	}
	if err != nil {
		return listing{}, "", err
	}
	names := znode.WithGUID(l.names, guid)
	if len(names) < 2 {
		return l, strings.Join(names, ""), nil
	}
	name, err := s.ownAmong(ctx, dir, names)
	return l, name, err
}

// ownAmong returns which child of dir this session owns. Another client that has
// seen a unique name can create others with its guid.
func (s *Session) ownAmong(ctx context.Context, dir string, names []string) (string, error) {
	reads := make([]ReadOp, len(names))
	for i, name := range names {
		reads[i].Path = znode.Join(dir, name)
	}
	results, err := s.ReadMany(ctx, reads)
	if err != nil {
		return "", err
	}
	for i, r := range results {
		owned := r.Err == nil && s.owns(r.Stat)
		if errors.Is(r.Err, ErrNoAuth) {
			owned, err = s.OwnsAt(ctx, reads[i].Path)
		}
		if err != nil || owned {
			return names[i], err
		}
	}
	return "", nil
}

package session

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/znode"
)

// Entry is a node of ours among others in a directory, and the directory as it
// stood after the node was made.
type Entry struct {
	*Node
	Name     string   // the node's, within the directory
	Czxid    int64    // the zxid that made the node; 0 where the server is too old to tell
	Children []string // of the directory, Name among them; nil after EnterUnlisted
	Dir      Stat     // of the directory, from the same answer
}

// Enter makes an ephemeral sequential node in dir, named tag with Curator's
// protection before it and the sequence number behind it, and lists dir. It
// makes dir where it is missing.
//
// The list is asked for right behind the create, without waiting for the
// create's answer: it costs no round trip of its own.
//
// Enter knows that the node it returns stands and belongs to this session: the
// create was answered on a connection of this session, or its answer was lost
// and the node was then found by its unique name and its owner compared. When
// Enter fails, the node is not there, or it is looked for and removed in the
// background for as long as the session lasts. ctx bounds the waiting alone.
func (s *Session) Enter(ctx context.Context, dir, tag string, data []byte) (*Entry, error) {
	s.made()
	return s.enterAs(ctx, dir, tag, data, true)
}

// EnterUnlisted is Enter without the list, for whoever expects to learn what it
// needs from the number in the node's name. List gets the list after all. An
// answer that was lost has the directory listed in any case.
func (s *Session) EnterUnlisted(ctx context.Context, dir, tag string, data []byte) (*Entry, error) {
	s.made()
	return s.enterAs(ctx, dir, tag, data, false)
}

func (s *Session) enterAs(ctx context.Context, dir, tag string, data []byte, listed bool) (*Entry, error) {
	start := time.Now()
	e, err := s.enter(ctx, dir, tag, data, listed)
	return e, s.report("enter", dir, start, err)
}

// List lists the directory of an entry that was made without. When it fails,
// the node has gone (ErrDeleted), or is removed in the background.
func (e *Entry) List(ctx context.Context) error {
	misuse.ZeroValue(e == nil || e.Node == nil, "or nil session.Entry", "Session.Enter")
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

func (s *Session) enter(ctx context.Context, dir, tag string, data []byte, listed bool) (*Entry, error) {
	guid := znode.NewGUID()
	p := &protected{s: s, dir: dir, guid: guid, prefix: znode.Join(dir, znode.Protected(guid, tag)), data: data, listed: listed}
	if err := cmp.Or(znode.ValidateRoot(dir), znode.Validate(p.prefix)); err != nil {
		return nil, err
	}
	// The server appends ten or eleven characters to the name.
	if err := s.fits(s.createSize(s.abs(p.prefix), data) + 11); err != nil {
		return nil, err
	}
	var said error // the last answer of a server that has not executed the create
	for attempt := 0; ; attempt++ {
		if err := s.waitUp(ctx); err != nil {
			return nil, because(err, said)
		}
		e, again, err := p.try(ctx)
		switch {
		case again:
			said = err
			s.sleep(ctx, attempt)
		case errors.Is(err, zk.ErrNoNode):
			if err := s.ensureDir(ctx, s.abs(dir)); err != nil {
				return nil, err
			}
		default:
			return e, err
		}
	}
}

// errListSkipped stands for a list that was not asked for. It reaches nobody:
// a list that is missing is asked for again.
var errListSkipped = errors.New("the create was not done")

// protected is one node under way.
type protected struct {
	s         *Session
	dir, guid string
	prefix    string
	data      []byte
	listed    bool // the directory is wanted along with it
}

// try sends the create, and the list, once. again says that the create certainly
// was not done, and why.
func (p *protected) try(ctx context.Context) (e *Entry, again bool, err error) {
	s, abs := p.s, p.s.abs(p.prefix)
	created := make(chan result[string], 1)
	made := s.creates.expect(abs, !s.m.noStats.Load())
	answered := make(chan bool, 1) // whether it was done
	s.run(func() {
		defer s.creates.forget(abs)
		path, err := s.create(s.client, abs, p.data, EphemeralSequential)
		created <- result[string]{path, err}
		answered <- err == nil
	})
	var listed chan result[listing]
	if p.listed {
		listed = make(chan result[listing], 1)
		s.run(func() {
			// The list must reach the server behind the create, or it could miss it.
			select {
			case <-made.written:
			case done := <-answered:
				if !done {
					listed <- result[listing]{err: errListSkipped}
					return
				}
			}
			names, stat, err := s.client.Children(s.abs(p.dir))
			r := result[listing]{err: err}
			if err == nil {
				r.value = listing{names, *stat}
			}
			listed <- r
		})
	}

	select {
	case r := <-created:
		path, o, err := judge(s, r)
		switch {
		case made.withStat && errors.Is(err, ErrUnimplemented):
			s.m.noStats.Store(true)
			return nil, true, nil
		case o == executed:
			e, err := p.complete(ctx, s.rel(path), made.czxid, listed)
			return e, false, err
		case o == refused:
			return nil, false, err
		case o == skipped:
			return nil, true, err
		}
		e, looked := p.find(ctx)
		if e == nil && looked == nil && o == open {
			return nil, false, err // the answer is why there is no node
		}
		return e, e == nil && looked == nil, looked
	case <-ctx.Done():
		s.sweepLater(sweep{dir: p.dir, guid: p.guid, pending: created})
		return nil, false, ctx.Err()
	case <-s.ctx.Done():
		return nil, false, ended(s.Err())
	}
}

// complete waits for the list that was asked for along with the create.
func (p *protected) complete(ctx context.Context, path string, czxid int64, listed <-chan result[listing]) (*Entry, error) {
	s := p.s
	_, name := znode.Split(path)
	e := &Entry{Node: &Node{s: s, path: path}, Name: name, Czxid: czxid}
	if !p.listed {
		return e, nil
	}
	select {
	case r := <-listed:
		if r.err == nil && slices.Contains(r.value.names, name) {
			e.Children, e.Dir = r.value.names, r.value.stat
			return e, nil
		}
	case <-ctx.Done():
		e.Abandon()
		return nil, ctx.Err()
	case <-s.ctx.Done():
		return nil, ended(s.Err())
	}
	// The list was lost with its connection, or somebody has deleted the node.
	if err := e.List(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// find looks for a node whose create lost its answer. It returns nothing at all
// where there is none. The check by a quorum before the list
// makes a server that lags behind catch up, which else could miss the node.
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
	case !at.found:
		return nil, nil
	case at.stat.EphemeralOwner != s.ID():
		return nil, errors.New("a node with our unique name belongs to another session")
	}
	return &Entry{n, name, at.stat.Czxid, l.names, l.stat}, nil
}

// lookFor returns the child of dir that the guid protects, or no name when it
// is certain that there is none.
func (s *Session) lookFor(ctx context.Context, dir, guid string) (listing, string, error) {
	if _, err := s.ask(ctx, dir); err != nil {
		return listing{}, "", err
	}
	l, err := s.children(ctx, dir, false)
	if errors.Is(err, zk.ErrNoNode) {
		return listing{}, "", nil
	}
	if err != nil {
		return listing{}, "", err
	}
	name, _ := znode.FindGUID(l.names, guid)
	return l, name, nil
}

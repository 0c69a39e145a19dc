package naming

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/standing"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// persistent is the place of a static instance: a node that belongs to no
// session. Nothing in ZooKeeper says whose it is; an instance is taken for the
// same where it has the same address and ports.
type persistent struct {
	r    *Registry
	node string

	over chan struct{} // closed once the node has gone

	mu      sync.Mutex
	czxid   int64
	removal *removal // under way
}

// removal is one attempt to remove the node, which many may wait for.
type removal struct {
	done chan struct{}
	err  error
}

func openPersistent(ctx context.Context, r *Registry, path string, in Instance, data []byte) (place, error) {
	p := &persistent{r: r, node: path, over: make(chan struct{})}
	if err := r.sm.Fits(session.CreateOp(path, data, session.Persistent)); err != nil {
		return nil, err
	}
	dir, _ := znode.Split(path)
	var doubt error // of a create that may have been done
	for {
		err := r.sm.CreateOnce(ctx, path, data)
		if errors.Is(err, session.ErrUnknownOutcome) {
			doubt = err
		}
		switch {
		case errors.Is(err, zk.ErrNoNode) && !errors.Is(err, session.ErrUnknownOutcome):
			if err = r.sm.EnsureDir(ctx, dir); err == nil {
				continue
			}
		case err == nil, errors.Is(err, zk.ErrNodeExists), transient(ctx, err):
			if err = p.adopt(ctx, in, data); err == nil {
				return p, nil
			}
		}
		// It has just gone, or changed, or is not known yet. Where it may have
		// been made, seen and removed by others, it is not made again.
		gone := errors.Is(err, zk.ErrNoNode)
		if gone && doubt == nil || errors.Is(err, zk.ErrBadVersion) || transient(ctx, err) {
			continue
		}
		err = line.GaveUp(ctx, err)
		if doubt != nil && !errors.Is(err, session.ErrUnknownOutcome) {
			err = fmt.Errorf("%w; then: %w", doubt, err)
		}
		return nil, err
	}
}

// adopt makes the node that stands there ours, if it may be.
func (p *persistent) adopt(ctx context.Context, in Instance, data []byte) error {
	held, stat, err := p.read(ctx)
	if err != nil {
		return err
	}
	if stat.EphemeralOwner != 0 {
		return &standing.DuplicateError{Path: p.node, Session: stat.EphemeralOwner, Czxid: stat.Czxid}
	}
	if !bytes.Equal(held, data) {
		_, name := znode.Split(p.node)
		there, err := p.r.decode(in.Service, name, held)
		switch mine := in; {
		case err == nil && there.sameBut(mine):
			data = held
		case p.r.conflict == standing.Replace:
		case err != nil, there.Address != in.Address, there.Port != in.Port, there.SSLPort != in.SSLPort:
			return ErrDuplicate
		}
		if !bytes.Equal(held, data) {
			if stat, err = p.write(ctx, data, stat); err != nil {
				return err
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.czxid = stat.Czxid
	return nil
}

// sameBut reports whether the two say the same but for the time of
// registration.
func (in Instance) sameBut(other Instance) bool {
	other.Registered = in.Registered
	return in.Equal(other)
}

// read reads the node from a server that has caught up.
func (p *persistent) read(ctx context.Context) ([]byte, session.Stat, error) {
	if err := p.r.sm.Sync(ctx, p.node); err != nil {
		return nil, session.Stat{}, err
	}
	return p.r.sm.Get(ctx, p.node)
}

// write writes over what was read, and nothing else: the next session may not be
// the one that has read it, but the write is bound to what was seen all the same.
func (p *persistent) write(ctx context.Context, data []byte, seen session.Stat) (session.Stat, error) {
	s, err := p.r.sm.Session(ctx)
	if err != nil {
		return session.Stat{}, err
	}
	return s.SetOver(ctx, p.node, data, seen)
}

func (p *persistent) set(ctx context.Context, data []byte) error {
	var doubt error       // of a write that may have been done
	var over session.Stat // what it would have replaced
	for {
		held, stat, err := p.read(ctx)
		switch {
		case err != nil:
		case stat.Czxid != p.token():
			err = zk.ErrNoNode // removed, and made again by others
		case bytes.Equal(held, data):
			return nil
		case doubt != nil && stat.Version != over.Version:
			return doubt // others have written since, over ours or in its place
		default:
			if _, err = p.write(ctx, data, stat); errors.Is(err, session.ErrUnknownOutcome) {
				doubt, over = err, stat
			}
		}
		switch {
		case err == nil:
			return nil
		case transient(ctx, err), errors.Is(err, zk.ErrBadVersion):
		case doubt != nil && !errors.Is(err, session.ErrUnknownOutcome):
			return line.GaveUp(ctx, fmt.Errorf("%w; then: %w", doubt, err))
		default:
			return line.GaveUp(ctx, err)
		}
	}
}

func (p *persistent) token() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.czxid
}

func (p *persistent) state() State          { return State{In: true, Token: p.token()} }
func (p *persistent) path() string          { return p.node }
func (p *persistent) done() <-chan struct{} { return p.over }

// wait: nobody watches the node.
func (p *persistent) wait() (newer, ended <-chan struct{}) { return nil, nil }

func (p *persistent) remove(ctx context.Context) error {
	p.mu.Lock()
	select {
	case <-p.over:
		p.mu.Unlock()
		return nil
	default:
	}
	if p.removal == nil {
		p.removal = &removal{done: make(chan struct{})}
		go p.work(p.removal)
	}
	r := p.removal
	p.mu.Unlock()
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return line.GaveUp(ctx, fmt.Errorf("the removal goes on in the background: %w", ctx.Err()))
	}
}

// work removes the node, for as long as it takes to reach a server.
func (p *persistent) work(r *removal) {
	r.err = p.delete()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.removal = nil
	if r.err == nil {
		close(p.over)
	}
	close(r.done)
}

// delete ends with the Manager at the latest. It deletes the node that was
// registered, and none that others have made in its place.
func (p *persistent) delete() error {
	ctx, czxid := context.Background(), p.token()
	for {
		s, err := p.r.sm.Session(ctx)
		if err == nil {
			_, err = s.DeleteExact(ctx, p.node, czxid)
		}
		if !transient(ctx, err) {
			return err
		}
	}
}

package naming

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/singleflight"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// static is the place of a static instance: a persistent znode. ZooKeeper does
// not record its owner. A registration takes over an instance that has the same
// address and ports.
type static struct {
	r        *Registry
	node     string
	replaces bool               // an instance with another address is taken over too
	czxid    int64              // of the znode; set while it is opened
	over     chan struct{}      // closed once the znode has gone
	removing singleflight.Group // several calls may wait for one attempt to remove the znode
}

func openStatic(ctx context.Context, r *Registry, path string, in Instance, data []byte, replaces bool) (place, error) {
	p := &static{r: r, node: path, replaces: replaces, over: make(chan struct{})}
	if err := p.fits(data); err != nil {
		return nil, err
	}
	dir, _ := znode.Split(path)
	var doubt error // of a create that may have been done
	for {
		err := r.sm.CreateOnce(ctx, path, data)
		if errors.Is(err, core.ErrUnknownOutcome) {
			doubt = err
		}
		switch {
		case errors.Is(err, core.ErrNoNode) && !errors.Is(err, core.ErrUnknownOutcome):
			if err = r.sm.EnsureDir(ctx, dir); err == nil {
				continue
			}
		case err == nil, errors.Is(err, core.ErrNodeExists), transient(ctx, err):
			if err = p.adopt(ctx, in, data, err == nil); err == nil {
				return p, nil
			}
		}
		// The znode has just gone, or changed, or is not known yet. If our
		// create may have been done, seen and removed by others, it is not
		// repeated.
		gone := errors.Is(err, core.ErrNoNode)
		if gone && doubt == nil || errors.Is(err, core.ErrBadVersion) ||
			errors.Is(err, core.ErrNodeExists) || transient(ctx, err) {
			continue
		}
		err = ctxend.Join(ctx, err)
		if doubt != nil && !errors.Is(err, core.ErrUnknownOutcome) {
			err = fmt.Errorf("%w; then: %w", doubt, err)
		}
		return nil, err
	}
}

// adopt makes the znode at the path ours, if that is allowed. made says that we
// have just created it.
func (p *static) adopt(ctx context.Context, in Instance, data []byte, made bool) error {
	held, stat, err := p.read(ctx)
	if err != nil {
		return err
	}
	if stat.EphemeralOwner != 0 {
		return fmt.Errorf("%w (session %v)", core.ErrIDTaken, core.SessionID(stat.EphemeralOwner))
	}
	switch equal := bytes.Equal(held, data); {
	case equal && made && stat.Version == 0:
		p.czxid = stat.Czxid
		return nil
	case !equal:
		if data, err = p.successor(in, held, data); err != nil {
			return err
		}
	}
	return p.takeOver(ctx, held, data, stat)
}

// successor returns the data of the znode after a registration has taken it
// over, or an error if it may not.
func (p *static) successor(in Instance, held, data []byte) ([]byte, error) {
	_, name := znode.Split(p.node)
	there, err := p.r.decodeOurs(in.Service, name, held)
	switch {
	case err == nil && there.sameBut(in):
		return held, nil
	case err != nil:
		return nil, err // not an instance: another program may need it
	case p.replaces:
	case there.Address != in.Address, there.Port != in.Port, there.SSLPort != in.SSLPort:
		return nil, core.ErrIDTaken
	}
	return data, nil
}

// takeOver replaces the old znode by a new one with the same ACL, in one
// transaction. An Unregister or Update of an earlier registration may still be
// under way. It knows the old Czxid and version, and so does not touch the new
// znode.
func (p *static) takeOver(ctx context.Context, held, data []byte, old core.Stat) error {
	s, err := p.r.sm.Session(ctx)
	if err != nil {
		return err
	}
	acl, err := s.KeptACL(ctx, p.node)
	if err != nil {
		return err
	}
	ops := succession(p.node, data, old.Version)
	ops[1] = ops[1].WithExactACL(acl)
	results, err := s.Txn(ctx, ops...)
	switch {
	case err == nil:
		p.czxid = results[len(results)-1].Stat.Czxid
		return nil
	case errors.Is(err, core.ErrNoAuth), errors.Is(err, core.ErrNotEmpty):
		// The process may not delete the znode: it uses the old one.
		if !bytes.Equal(held, data) {
			if _, err := p.write(ctx, data, old); err != nil {
				return err
			}
		}
		p.czxid = old.Czxid
		return nil
	}
	return err
}

// succession returns the transaction that replaces a persistent znode of the
// given version by one of another version. It ends with a set, whose answer has
// the stat.
func succession(path string, data []byte, version int32) []core.Op {
	ops := []core.Op{core.DeleteOp(path, version), core.CreateOp(path, nil, core.Persistent)}
	if version != 1 {
		return append(ops, core.SetOp(path, data, 0))
	}
	return append(ops, core.SetOp(path, nil, 0), core.SetOp(path, data, 1))
}

// sameBut reports whether the two are equal except for the time of
// registration.
func (in Instance) sameBut(other Instance) bool {
	other.Registered = in.Registered
	return in.Equal(other)
}

// read reads the znode from a server that has caught up.
func (p *static) read(ctx context.Context) ([]byte, core.Stat, error) {
	if err := p.r.sm.Sync(ctx, p.node); err != nil {
		return nil, core.Stat{}, err
	}
	return p.r.sm.Get(ctx, p.node)
}

// write writes over what was read, and nothing else. The present session may
// not be the one that has read it, but the write is bound to the stat all the
// same.
func (p *static) write(ctx context.Context, data []byte, seen core.Stat) (core.Stat, error) {
	s, err := p.r.sm.Session(ctx)
	if err != nil {
		return core.Stat{}, err
	}
	return s.SetOver(ctx, p.node, data, seen)
}

func (p *static) fits(data []byte) error { return p.r.sm.Fits(succession(p.node, data, 1)...) }

func (p *static) set(ctx context.Context, data []byte) error {
	var doubt error    // of a write that may have been done
	var over core.Stat // the stat that it would have replaced
	for {
		held, stat, err := p.read(ctx)
		switch {
		case err != nil:
		case stat.Czxid != p.czxid:
			err = core.ErrNoNode // the registered one was removed, and another created
		case bytes.Equal(held, data):
			return nil
		case doubt != nil && stat.Version != over.Version:
			return doubt // another client has written since, after our write or instead of it
		default:
			if _, err = p.write(ctx, data, stat); errors.Is(err, core.ErrUnknownOutcome) {
				doubt, over = err, stat
			}
		}
		switch {
		case err == nil:
			return nil
		case transient(ctx, err), errors.Is(err, core.ErrBadVersion):
		case doubt != nil && !errors.Is(err, core.ErrUnknownOutcome):
			return ctxend.Join(ctx, fmt.Errorf("%w; then: %w", doubt, err))
		default:
			return ctxend.Join(ctx, err)
		}
	}
}

func (p *static) state() session.Presence { return session.Presence{In: true, Token: p.czxid} }
func (p *static) path() string            { return p.node }
func (p *static) done() <-chan struct{}   { return p.over }

// wait returns no channels, because the znode is not watched.
func (p *static) wait() (newer, ended <-chan struct{}) { return nil, nil }

func (p *static) remove(ctx context.Context) error {
	removed := p.removing.DoChan("", func() (any, error) { return nil, p.delete() })
	select {
	case result := <-removed:
		return result.Err
	case <-ctx.Done():
		return inBackground(ctx)
	}
}

// delete waits until a server can be reached, and ends with the Manager at the
// latest. It deletes the znode that was registered, and never another one at
// its path.
func (p *static) delete() error {
	select {
	case <-p.over:
		return nil
	default:
	}
	for ctx := context.Background(); ; {
		s, err := p.r.sm.Session(ctx)
		if err == nil {
			_, err = s.DeleteExact(ctx, p.node, p.czxid)
		}
		switch {
		case err == nil:
			close(p.over)
			return nil
		case !transient(ctx, err):
			return err
		}
	}
}

package core

import (
	"context"
	"errors"
	"time"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/znode"
)

// Claim creates an ephemeral node at exactly path, and the missing nodes above
// it. It fails with ErrNodeExists if the node exists.
//
// Such a node has no unique name, and two claims of one session have the same
// owner. So a session has one claim on a path at a time, from before the create
// is sent until the node is proven to be gone. Further claims wait for that. If
// the answer to a create or a delete is lost, Claim compares the owner once the
// server has caught up: a node of this session belongs to this claim. Nodes
// that Create makes would break this rule: do not use both on one path.
//
// When Claim fails, its node is missing, or it is swept in the background until
// the session ends. ctx bounds only the wait.
func (s *Session) Claim(ctx context.Context, path string, data []byte) (*Node, error) {
	s.made()
	return s.claim(ctx, path, data, true)
}

// TryClaim is Claim that does not wait for another claim: if this session
// already has a claim on the path, it fails with ErrNodeExists.
func (s *Session) TryClaim(ctx context.Context, path string, data []byte) (*Node, error) {
	s.made()
	return s.claim(ctx, path, data, false)
}

func (s *Session) claim(ctx context.Context, path string, data []byte, wait bool) (*Node, error) {
	if err := znode.Validate(path); err != nil {
		return nil, s.refuse(opClaim, path, err)
	}
	if err := s.fits(s.createSize(s.abs(path), data)); err != nil {
		return nil, s.refuse(opClaim, path, err)
	}
	start := time.Now()
	dir, _ := znode.Split(path)
	if err := s.admit(ctx, dir, anyAge); err != nil {
		return nil, s.report(opClaim, path, start, err)
	}
	c, err := s.stake(ctx, path, wait)
	if err != nil {
		return nil, s.report(opClaim, path, start, err)
	}
	n, err := c.make(ctx, data)
	if err == nil {
		if err = s.secured(ctx, dir, nil); err != nil {
			n.Abandon()
			n = nil
		}
	}
	return n, s.report(opClaim, path, start, err)
}

// claim is a session's claim on a path.
type claim struct {
	s    *Session
	path string
	over chan struct{} // closed once the claim has no node, and never will have one
	busy chan struct{} // holds a token while a call removes the node
}

// stake waits until the session has no other claim on the path, and adds one.
func (s *Session) stake(ctx context.Context, path string, wait bool) (*claim, error) {
	for {
		if _, err := s.waitUp(ctx); err != nil {
			return nil, err
		}
		s.mu.Lock()
		other := s.claims[path]
		if other == nil {
			c := &claim{s, path, make(chan struct{}), make(chan struct{}, 1)}
			if s.claims == nil {
				s.claims = make(map[string]*claim)
			}
			s.claims[path] = c
			s.mu.Unlock()
			return c, nil
		}
		s.mu.Unlock()
		if !wait {
			return nil, ErrNodeExists
		}
		select {
		case <-other.over:
		case <-ctx.Done():
			return nil, ctxend.Err(ctx)
		case <-s.ctx.Done():
			return nil, ended(s.Err())
		}
	}
}

// make creates the node, or ends the claim, or leaves both to the background.
func (c *claim) make(ctx context.Context, data []byte) (*Node, error) {
	s := c.s
	var said error // the last answer of a server that has not executed the create
	for n := 0; ; n++ {
		link, err := s.waitUp(ctx)
		if err != nil {
			c.end()
			return nil, because(err, said)
		}
		create := s.creation(s.createRequest(s.abs(c.path), data, Ephemeral, false))
		link.Send(create.call)
		_, o, err := create.outcome(ctx, s)
		switch {
		case o == skipped && s.over(ctx):
			c.end()
			return nil, because(err, said)
		case o == unanswered && s.ctx.Err() != nil:
			return nil, err
		case o == unanswered && ctx.Err() != nil:
			s.sweepLater(sweep{path: c.path, remove: func() (bool, error) { return c.sweep(create) }})
			return nil, ctxend.Err(ctx)
		}
		switch {
		case o == executed:
			return &Node{s: s, path: c.path, claim: c}, nil
		case o == skipped:
			said = err
			s.sleep(ctx, n)
			continue
		case errors.Is(err, ErrNoNode):
			if n > 0 { // the directory was created, and is said to be missing
				s.sleep(ctx, n)
			}
			dir, _ := znode.Split(c.path)
			if err = s.ensureDir(ctx, s.abs(dir)); err != nil {
				c.end()
				return nil, err
			}
			continue
		case o == refused:
			c.end()
			return nil, err
		}
		stands, looked := s.settled(ctx, c.path)
		switch {
		case looked != nil:
			s.sweepLater(sweep{path: c.path, remove: c.remove})
			return nil, looked
		case !stands.found && o == open: // the answer is the reason why the node does not exist
			c.end()
			return nil, err
		case !stands.found: // the create certainly was not done
			s.sleep(ctx, n)
		case stands.stat.EphemeralOwner == s.ID():
			return &Node{s: s, path: c.path, claim: c}, nil
		default:
			c.end()
			return nil, ErrNodeExists
		}
	}
}

// remove deletes the node of the claim, if it exists, and ends the claim. found
// says whether it existed. remove goes on until it is answered or the session
// ends.
//
// The node is read first: another client may have created a node after ours was
// deleted, and the event of the deletion may not have arrived yet.
func (c *claim) remove() (found bool, err error) {
	s := c.s
	select {
	case c.busy <- struct{}{}:
		defer func() { <-c.busy }()
	case <-s.ctx.Done():
		return false, ended(s.Err())
	}
	select {
	case <-c.over:
		return false, nil
	default:
	}
	ctx := context.Background() // the end of the session removes the node, and the end of a caller's ctx does not matter
	found, err = s.deleteIf(ctx, c.path, true, s.owns)
	if err == nil {
		c.end()
	}
	return found, err
}

// end frees the path for the next claim of this session.
func (c *claim) end() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.claims[c.path] == c {
		delete(c.s.claims, c.path)
		close(c.over)
	}
}

// gone ends the claim after its node was deleted. If our own remove is running,
// remove ends the claim instead, because its delete may still be outstanding.
func (c *claim) gone() {
	select {
	case c.busy <- struct{}{}:
		c.end()
		<-c.busy
	default:
	}
}

// sweep removes the node of a claim that was given up while its create was
// outstanding.
func (c *claim) sweep(pending *creation) (found bool, err error) {
	_, o, _ := pending.outcome(context.Background(), c.s)
	switch {
	case c.s.ctx.Err() != nil:
		return false, ended(c.s.Err())
	case o == refused, o == skipped:
		c.end()
		return false, nil
	}
	return c.remove()
}

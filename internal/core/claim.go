package core

import (
	"context"
	"errors"
	"time"

	"github.com/docent-go/docent/internal/znode"
)

// Claim makes an ephemeral node at path itself, and the nodes above it where
// they are missing. It fails with ErrNodeExists where a node stands.
//
// Such a node has no name by which to tell it from another's, and two claims
// of one session have the same owner. So a session has one claim on a path at
// a time, from before its create is sent until its node has proved to be gone;
// further ones wait for that. A create or a delete whose answer is lost is
// cleared up by comparing the owner, once the server has caught up: what
// belongs to this session belongs to this claim. Nodes that Create makes are
// outside of that: do not mix the two on one path.
//
// When Claim fails, its node is not there, or it is looked for and removed in
// the background for as long as the session lasts. ctx bounds the waiting alone.
func (s *Session) Claim(ctx context.Context, path string, data []byte) (*Node, error) {
	s.made()
	return s.claim(ctx, path, data, true)
}

// TryClaim is Claim that waits for no other claim: where this session has one on
// the path already, it fails with ErrNodeExists.
func (s *Session) TryClaim(ctx context.Context, path string, data []byte) (*Node, error) {
	s.made()
	return s.claim(ctx, path, data, false)
}

func (s *Session) claim(ctx context.Context, path string, data []byte, wait bool) (*Node, error) {
	if err := znode.Validate(path); err != nil {
		return nil, s.refuse("claim", path, err)
	}
	if err := s.fits(s.createSize(s.abs(path), data)); err != nil {
		return nil, s.refuse("claim", path, err)
	}
	start := time.Now()
	c, err := s.stake(ctx, path, wait)
	if err != nil {
		return nil, s.report("claim", path, start, err)
	}
	n, err := c.make(ctx, data)
	return n, s.report("claim", path, start, err)
}

// claim is one on a path of a session.
type claim struct {
	s    *Session
	path string
	over chan struct{} // closed when there is no node of the claim, and never will be
	busy chan struct{} // holds a token while somebody removes the node
}

// stake waits until no other claim is on the path.
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
			return nil, ctx.Err()
		case <-s.ctx.Done():
			return nil, ended(s.Err())
		}
	}
}

// make makes the node, or ends the claim, or leaves both to the background.
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
			return nil, ctx.Err()
		}
		switch {
		case o == executed:
			return &Node{s: s, path: c.path, claim: c}, nil
		case o == skipped:
			said = err
			s.sleep(ctx, n)
			continue
		case errors.Is(err, ErrNoNode):
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
		case !stands.found && o == open: // the answer is why there is no node
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

// remove deletes the node of the claim, if it is there, and ends the claim. found
// says that it was there. It runs until it is answered or the session ends.
//
// The node is looked at first: another may have come to stand where ours has
// gone, and the event that tells of it may be under way.
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
	ctx := context.Background() // the session's end removes the node, a caller's does not matter
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

// gone ends the claim of a node that somebody was seen to have deleted. If that
// is our own remove, it is left to that: its delete may be under way still.
func (c *claim) gone() {
	select {
	case c.busy <- struct{}{}:
		c.end()
		<-c.busy
	default:
	}
}

// sweep removes the node of a claim that is given up while its create is under
// way.
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

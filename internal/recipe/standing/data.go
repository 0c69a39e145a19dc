package standing

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/base/ctxend"
)

// ErrPending is in the error of a Set whose ctx has ended before the outcome
// was known. The keeper still writes the data later, when it can.
var ErrPending = errors.New("the data is not written yet")

// proposal is data that a Set wants the node to hold.
type proposal struct {
	rev  uint64
	data []byte
	told chan error // has room for one error; nil for the first data
	left bool       // Set has returned with ErrPending
}

// Fits returns the error with which Set rejects data at once
// (core.ErrTooLarge), or nil. It does no I/O.
func (n *Node) Fits(data []byte) error { return n.cfg.fits(data) }

// Set gives the node new data, for this and all later sessions. It blocks until
// the node stands with the data, or with the data of a later Set.
//
// ctx bounds the wait alone. If it ends first, the error matches ErrPending,
// and the keeper still writes the data when the node stands again. With any
// other error Set's data is forgotten, and the node keeps its earlier data:
//
//   - what a server refuses, such as core.ErrNoAuth;
//   - why the node does not stand: core.ErrIDTaken or core.ErrReplaced;
//   - core.ErrTooLarge;
//   - after Close, core.ErrReleased or core.ErrClosed.
func (n *Node) Set(ctx context.Context, data []byte) error {
	if err := n.cfg.fits(data); err != nil {
		return err
	}
	n.mu.Lock()
	if n.over || n.ctx.Err() != nil {
		defer n.mu.Unlock()
		return n.gone()
	}
	n.rev++
	p := proposal{rev: n.rev, data: bytes.Clone(data), told: make(chan error, 1)}
	n.proposals = append(n.proposals, p)
	n.mu.Unlock()
	n.rouse()
	select {
	case err := <-p.told:
		return err
	case <-ctx.Done():
	}
	if !n.leave(p.rev) {
		return <-p.told
	}
	return ctxend.Join(ctx, fmt.Errorf("%w: %w", ErrPending, ctx.Err()))
}

// leave marks a proposal whose Set no longer waits. Earlier proposals of that
// kind are forgotten, because they would never show. leave is false if the Set
// has been answered already.
func (n *Node) leave(rev uint64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	kept, found := n.proposals[:0], false
	for _, p := range n.proposals {
		if p.left && p.rev < rev {
			continue
		}
		if p.rev == rev {
			p.left, found = true, true
		}
		kept = append(kept, p)
	}
	n.proposals = kept
	return found
}

// wanted returns the newest data and its revision.
func (n *Node) wanted() ([]byte, uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	newest := n.held
	if len(n.proposals) > 0 {
		newest = n.proposals[len(n.proposals)-1]
	}
	return newest.data, newest.rev
}

// everyone is a revision that includes every proposal.
const everyone = ^uint64(0)

// holds notes that the node stands with the data of the revision. It answers
// the Sets of this revision and of earlier ones.
func (n *Node) holds(rev uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, p := range n.proposals {
		if p.rev != rev {
			continue
		}
		for _, done := range n.proposals[:i+1] {
			if !done.left {
				done.told <- nil
			}
		}
		n.held, n.proposals = p, n.proposals[i+1:]
		return
	}
}

// refuse forgets the proposals up to the revision and answers their Sets with
// the error. Abandoned proposals stay, because their callers were told that the
// data will be written.
func (n *Node) refuse(rev uint64, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	kept := n.proposals[:0]
	for _, p := range n.proposals {
		if p.rev > rev || p.left {
			kept = append(kept, p)
			continue
		}
		p.told <- err
	}
	n.proposals = kept
}

package standing

import (
	"context"
	"sync"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
)

// claims are the paths that the nodes of this process stand at, or are about
// to. A node that our own session owns could otherwise be taken for the lost
// create of two keepers at once. An entry lives no longer than its keeper.
var claims = struct {
	sync.Mutex
	of map[claim]*Node
}{of: make(map[claim]*Node)}

type claim struct {
	m    *core.Manager
	path string
}

// claim takes the path for n, and returns who has it.
func (n *Node) claim(path string) *Node {
	claims.Lock()
	defer claims.Unlock()
	key := claim{n.cfg.Manager, path}
	if holder, taken := claims.of[key]; taken {
		return holder
	}
	claims.of[key] = n
	return n
}

// unclaim gives the path back, if n has it.
func (n *Node) unclaim(path string) {
	claims.Lock()
	defer claims.Unlock()
	key := claim{n.cfg.Manager, path}
	if claims.of[key] == n {
		delete(claims.of, key)
	}
}

// owner returns the id of the session in which the node stands, or 0.
func (n *Node) owner() int64 {
	if s := n.state.Load().Session; s != nil {
		return s.ID()
	}
	return 0
}

// claimFirst is claim for Open: it waits for a predecessor that was closed and
// is still being removed.
func (n *Node) claimFirst(ctx context.Context) error {
	for {
		holder := n.claim(n.cfg.Path)
		if holder == n {
			return nil
		}
		if holder.ctx.Err() == nil {
			return &DuplicateError{n.cfg.Path, holder.owner(), holder.state.Load().Czxid}
		}
		select {
		case <-holder.done:
		case <-ctx.Done():
			return line.GaveUp(ctx, ctx.Err())
		}
	}
}

package standing

import (
	"context"
	"fmt"
	"sync"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/core"
)

// claims are the paths of the nodes that this process keeps, or is about to
// make. Without them, a node of our own session could be taken for the lost
// create of two keepers at once. An entry is removed when its keeper ends at
// the latest.
var claims = struct {
	sync.Mutex
	of map[claim]*Node
}{of: make(map[claim]*Node)}

type claim struct {
	m    *core.Manager
	path string
}

// claim takes the path for n, and returns the path's owner.
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

// unclaim gives the path back if n owns it.
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

// leaving reports whether the node was closed, or is about to be.
func (n *Node) leaving() bool {
	select {
	case <-n.cfg.Until: // blocks for ever if it is nil
		return true
	case <-n.ctx.Done():
		return true
	default:
		return false
	}
}

// claimFirst is claim for Open: it waits for an earlier Node of the path that
// was closed and is still being removed.
func (n *Node) claimFirst(ctx context.Context) error {
	for {
		holder := n.claim(n.cfg.Path)
		if holder == n {
			return nil
		}
		if !holder.leaving() {
			return core.IDTaken(holder.owner(), true)
		}
		select {
		case <-holder.done:
		case <-ctx.Done():
			return fmt.Errorf("waiting until this process has removed its earlier znode: %w", ctxend.Err(ctx))
		}
	}
}

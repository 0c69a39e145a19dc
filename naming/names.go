package naming

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"unicode/utf8"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/ctxend"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/recognise"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// Names gives out names that no process was ever given before, in order:
//
//	order-0000000004294967338
//	order-0000000004294967341
//
// A name is the prefix and 19 digits: the zxid, the number of the transaction,
// of a write to one node. The ensemble numbers all its writes, and no number
// occurs twice as long as it has its data: names go on being unique, and
// growing, if the node is deleted and made anew, and across all nodes and
// prefixes. That is why they are not made of sequential nodes or of a version,
// which are signed 32-bit numbers that begin anew with their node. There are
// gaps, for other writes have numbers too; a counter that counts by one is in
// package counter.
//
// A name costs one request, and the first one a look besides, whatever the number of processes, and leaves
// nothing behind but the node, which is persistent and empty. It is safe for
// concurrent use.
type Names struct {
	sm           *core.Manager
	path, prefix string
	err          error
	node         atomic.Int64 // the czxid of the node that was looked at; 0 before
}

// ErrNotNames is returned by Names.Next if the znode at the path holds data, belongs
// to a session, or is known to be another recipe's. It is left as it is.
var ErrNotNames = errors.New("the znode is not one that names are made with")

// NewNames returns the names with a prefix, which may be empty. It does no
// I/O. A path or prefix that cannot be used is reported by Next.
func NewNames(sm *session.Manager, path, prefix string) *Names {
	n := &Names{sm: bridge.Core(sm), path: path, prefix: prefix, err: znode.Validate(path)}
	if n.err == nil && !utf8.ValidString(prefix) {
		n.err = errors.New("the prefix is not valid UTF-8")
	}
	return n
}

// Next returns a new name. Every name is greater, as a number and as text, than
// all that were returned before it was asked for. A name whose answer is lost
// is never given to anybody.
//
// ctx bounds the call. Errors, in a *session.OpError: ErrNotNames; ctx's;
// session.ErrClosed; what a server answers, such as session.ErrNoAuth.
func (n *Names) Next(ctx context.Context) (string, error) {
	misuse.If(n == nil || n.sm == nil, "Names without a Manager are used: get them from naming.NewNames, with the Manager of core.Dial")
	if n.err != nil {
		return "", failed("name at", n.path, n.err)
	}
	for {
		err := n.look(ctx)
		var stat core.Stat
		if err == nil {
			stat, err = n.sm.Set(ctx, n.path, nil, core.AnyVersion)
		}
		switch {
		case err == nil:
			if stat.Czxid != n.node.Load() {
				n.node.Store(0) // another node: the next call looks at it
			}
			return fmt.Sprintf("%s%019d", n.prefix, stat.Mzxid), nil
		case errors.Is(err, core.ErrNoNode):
			n.node.Store(0)
			err = n.prepare(ctx)
		}
		if err != nil && !transient(ctx, err) {
			return "", failed("name at", n.path, ctxend.Join(ctx, err))
		}
	}
}

// look sees to it that no data is overwritten. A node that was empty stays so: only
// Names write to it.
func (n *Names) look(ctx context.Context) error {
	if n.node.Load() != 0 {
		return nil
	}
	node, err := n.sm.See(ctx, n.path)
	if err != nil {
		return err
	}
	what, err := recognise.Path(ctx, n.sm, n.path, node.Data, node.Stat)
	switch {
	case err != nil:
		return err
	case what == "" && len(node.Data) > 0:
		what = fmt.Sprintf("it holds %d bytes", len(node.Data))
	case what == "":
		n.node.Store(node.Stat.Czxid)
		return nil
	}
	return fmt.Errorf("%w: %s; check the path", ErrNotNames, what)
}

// prepare makes the node.
func (n *Names) prepare(ctx context.Context) error {
	if dir, _ := znode.Split(n.path); dir != "/" {
		if err := n.sm.EnsureDir(ctx, dir); err != nil {
			return err
		}
	}
	_, err := n.sm.Create(ctx, n.path, nil, core.Persistent)
	if errors.Is(err, core.ErrNodeExists) || errors.Is(err, core.ErrNoNode) {
		return nil // others make it too, or the directory has just gone
	}
	return err
}

package naming

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"unicode/utf8"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/recognise"
	"github.com/docent-go/docent/session"
)

// Names gives out names in order that no process was ever given before:
//
//	order-0000000004294967338
//	order-0000000004294967341
//
// A name is the prefix and 19 digits: the zxid of a write to one znode. The
// ensemble gives a zxid to each write, and no zxid occurs twice as long as the
// ensemble keeps its data. So names stay unique, and keep growing, if the znode
// is deleted and created again, and across all znodes and prefixes. That is why
// names are not made of sequential znodes or of a version: these are signed
// 32-bit numbers that begin again with their znode. The numbers have gaps,
// because other writes have zxids too. Package counter has a counter without
// gaps.
//
// A name costs one request, whatever the number of processes, and the first
// name one read more. Nothing is left but the znode, which is persistent and
// empty. Names is safe for concurrent use.
type Names struct {
	sm           *core.Manager
	path, prefix string
	err          error
	node         atomic.Int64 // the Czxid of the znode that was checked; 0 before
}

// NewNames returns the names with a prefix, which may be empty. It does no I/O.
// If the path or the prefix cannot be used, Next returns the error.
func NewNames(sm *session.Manager, path, prefix string) *Names {
	n := &Names{sm: bridge.Core(sm), path: path, prefix: prefix, err: znode.Validate(path)}
	if n.err == nil && !utf8.ValidString(prefix) {
		n.err = errors.New("the prefix is not valid UTF-8")
	}
	return n
}

// Next returns a new name. Every name is greater, as a number and as text, than
// all names that were returned before the call. A name whose answer is lost is
// not given out again.
//
// ctx bounds the call. Errors, in a *session.OpError: session.ErrForeign if the
// znode at the path holds data, belongs to a session, or is known to belong to
// another recipe (it is left as it is); ctx's; session.ErrClosed; what a server
// answers, such as session.ErrNoAuth.
func (n *Names) Next(ctx context.Context) (string, error) {
	misuse.If(n == nil || n.sm == nil, "Names without a Manager are used: get them from naming.NewNames, with the Manager of session.Dial")
	if n.err != nil {
		return "", core.Failed("get next name", n.path, n.err)
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
				n.node.Store(0) // another znode: the next call checks it
			}
			return fmt.Sprintf("%s%019d", n.prefix, stat.Mzxid), nil
		case errors.Is(err, core.ErrNoNode):
			n.node.Store(0)
			err = n.prepare(ctx)
		}
		if err != nil && !transient(ctx, err) {
			return "", core.Failed("get next name", n.path, ctxend.Join(ctx, err))
		}
	}
}

// look makes sure that no data is overwritten. A znode that was empty stays
// empty: only Names write to it.
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
		if err := n.sm.AdmitWrite(ctx, n.path); err != nil {
			return err
		}
		n.node.Store(node.Stat.Czxid)
		return nil
	}
	return core.Foreign("%s", what)
}

// prepare creates the znode.
func (n *Names) prepare(ctx context.Context) error {
	if dir, _ := znode.Split(n.path); dir != "/" {
		if err := n.sm.EnsureDir(ctx, dir); err != nil {
			return err
		}
	}
	_, err := n.sm.Create(ctx, n.path, nil, core.Persistent)
	if errors.Is(err, core.ErrNodeExists) || errors.Is(err, core.ErrNoNode) {
		return nil // another process creates it too, or the directory has just gone
	}
	return err
}

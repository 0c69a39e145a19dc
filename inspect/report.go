package inspect

import (
	"cmp"
	"context"
	"time"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// Report is the content of a tree while it was read. It is not a snapshot: a
// change during the reads may be reported in part.
type Report struct {
	// Path is the top of the tree.
	Path string `json:"path"`
	// Began and Taken are the times at which the reads began and ended, by this
	// machine's clock.
	Began time.Time `json:"began"`
	Taken time.Time `json:"taken"`
	// Confirmed is a time, by this machine's clock, at which a quorum has
	// committed a transaction in the session that then made the reads. So what
	// is reported was read later than Confirmed, and is not older.
	Confirmed time.Time `json:"confirmed"`
	// Findings are in the order of the tree: a znode, then its descendants,
	// siblings by name. The znodes that a recipe has below its znode are part
	// of its finding, and not findings themselves.
	Findings []Finding `json:"findings"`
	// Nodes is the number of znodes that were read, Requests the number of
	// requests.
	Nodes    int `json:"nodes"`
	Requests int `json:"requests"`
	// LeftOut are the znodes that are reported without their data: beyond
	// MaxBytes, or larger than four kilobytes and part of a recipe. What their
	// data tells of their owners is missing (Owner.LeftOut). Its paths are below
	// the Manager's root.
	LeftOut session.LeftOut `json:"leftOut,omitzero"`
}

// Omitted returns the findings that say what was left out.
func (r *Report) Omitted() []*Omitted { return pick[*Omitted](r) }

// Hidden returns the findings that say what ACLs hide.
func (r *Report) Hidden() []*Hidden { return pick[*Hidden](r) }

// Complete reports whether nothing was left out and nothing is hidden.
func (r *Report) Complete() bool {
	r.mustExist()
	if r.LeftOut.Znodes > 0 {
		return false
	}
	for _, f := range r.Findings {
		switch f.(type) {
		case *Omitted, *Hidden:
			return false
		}
		if f.Head().Unread > 0 {
			return false
		}
	}
	return true
}

// mustExist panics for a Report that Read has not made.
func (r *Report) mustExist() { misuse.ZeroValue(r == nil, "or nil inspect.Report", "inspect.Read") }

func pick[T Finding](r *Report) []T {
	r.mustExist()
	var some []T
	for _, f := range r.Findings {
		if t, ok := f.(T); ok {
			some = append(some, t)
		}
	}
	return some
}

// Read reads the tree at path and reports its content. path is relative to sm's
// root, and may be "/". Read writes nothing. It begins with a transaction that
// changes nothing, and waits until a quorum has answered. It reads breadth first, a few znodes at a time, within the
// limits of the options. The report says what the
// limits leave out (Omitted) and what ACLs hide (Hidden). With "/" it leaves
// out /zookeeper, the servers' own tree.
//
// ctx bounds the call. Read goes on through lost connections and ended
// sessions. It returns a *session.OpError with the error of ctx, with
// session.ErrNoNode if path does not exist, with session.ErrClosed, or with an
// invalid path or option. Read is safe for concurrent use.
func Read(ctx context.Context, sm *session.Manager, path string, opts ...Option) (*Report, error) {
	misuse.NilManager(sm == nil, "inspect.Read")
	r, err := newScan(bridge.Core(sm), newOptions("inspect.Read", opts), nil).report(ctx, path)
	if err != nil {
		return nil, fail(ctx, path, err)
	}
	return r, nil
}

// fail returns the error of Read, Changes and Deadlocks.
func fail(ctx context.Context, path string, err error) error {
	return core.Failed("inspect", path, ctxend.Join(ctx, err))
}

func (s *scan) report(ctx context.Context, path string) (*Report, error) {
	if err := cmp.Or(s.options.err, znode.ValidateRoot(path), ctx.Err()); err != nil {
		return nil, err
	}
	began := time.Now()
	top, err := s.walk(ctx, path)
	if err != nil {
		return nil, err
	}
	if top == nil {
		return nil, core.ErrNoNode
	}
	taken := time.Now()
	all := findings(top, func(n *node) { s.leaveOut(n, int(n.stat.DataLength)) })
	return &Report{
		Path: path, Began: began, Taken: taken, Confirmed: s.proven, Findings: all, Nodes: s.looked, Requests: s.requests, LeftOut: s.out,
	}, nil
}

package inspect

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// Report is what stood in a tree while it was read. It is no snapshot: what
// changed meanwhile may be shown half before and half after.
type Report struct {
	// Path is the top of the tree.
	Path string `json:"path"`
	// Taken is when the reading ended, by this machine's clock.
	Taken time.Time `json:"taken"`
	// Findings has what stands there in the order of the tree: what stands below
	// a node follows behind it, siblings by name. What a recipe keeps below its
	// node is part of its finding and none of its own.
	Findings []Finding `json:"findings"`
	// Nodes is how many nodes were looked at, Requests how many requests that took.
	Nodes    int `json:"nodes"`
	Requests int `json:"requests"`
}

// Omitted returns what was left out.
func (r *Report) Omitted() []*Omitted { return pick[*Omitted](r) }

// Hidden returns what ACLs hide.
func (r *Report) Hidden() []*Hidden { return pick[*Hidden](r) }

// Complete reports whether nothing was left out and nothing is hidden.
func (r *Report) Complete() bool {
	r.made()
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

// made panics for a Report that Take has not made.
func (r *Report) made() { misuse.ZeroValue(r == nil, "or nil inspect.Report", "inspect.Take") }

func pick[T Finding](r *Report) []T {
	r.made()
	var some []T
	for _, f := range r.Findings {
		if t, ok := f.(T); ok {
			some = append(some, t)
		}
	}
	return some
}

// Take reads the tree at path, which is below sm's root and may be "/", and
// tells what stands there. It writes nothing, and reads breadth first, a few
// nodes at a time, within the limits that the options set: what they leave out
// is in the report as Omitted, what ACLs hide as Hidden. From "/" it leaves out
// /zookeeper, the servers' own tree.
//
// ctx bounds it; lost connections and ended sessions are waited out. Errors:
// ctx's; session.ErrNoNode where there is no node at path; session.ErrClosed; an
// invalid path or option.
func Take(ctx context.Context, sm *session.Manager, path string, opts ...Option) (*Report, error) {
	misuse.NilManager(sm == nil, "inspect.Take")
	r, err := newScan(bridge.Core(sm), newOptions("inspect.Take", opts), nil).take(ctx, path)
	if err != nil {
		return nil, fail(ctx, path, err)
	}
	return r, nil
}

func fail(ctx context.Context, path string, err error) error {
	return fmt.Errorf("inspect %s: %w", path, line.GaveUp(ctx, err))
}

func (s *scan) take(ctx context.Context, path string) (*Report, error) {
	if err := cmp.Or(s.options.err, znode.ValidateRoot(path), ctx.Err()); err != nil {
		return nil, err
	}
	top, err := s.walk(ctx, path)
	if err != nil {
		return nil, err
	}
	if top == nil {
		return nil, core.ErrNoNode
	}
	return &Report{Path: path, Taken: time.Now(), Findings: findings(top), Nodes: s.looked, Requests: s.requests}, nil
}

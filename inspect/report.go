package inspect

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/ctxend"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// Report is the content of a tree while it was read. It is not a snapshot: a
// change during the reads may be reported in part.
type Report struct {
	// Path is the top of the tree.
	Path string `json:"path"`
	// Taken is the time at which the reads ended, by this machine's clock.
	Taken time.Time `json:"taken"`
	// Findings are in the order of the tree: a node, then its descendants,
	// siblings by name. The nodes that a recipe has below its node are part of
	// its finding, and not findings themselves.
	Findings []Finding `json:"findings"`
	// Nodes is the number of nodes that were read, Requests the number of
	// requests.
	Nodes    int `json:"nodes"`
	Requests int `json:"requests"`
}

// Omitted returns the findings that say what was left out.
func (r *Report) Omitted() []*Omitted { return pick[*Omitted](r) }

// Hidden returns the findings that say what ACLs hide.
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

// Take reads the tree at path and reports its content. path is relative to sm's
// root, and may be "/". Take writes nothing. It reads breadth first, a few
// nodes at a time, within the limits of the options. The report says what the
// limits leave out (Omitted) and what ACLs hide (Hidden). With "/" it leaves
// out /zookeeper, the servers' own tree.
//
// ctx bounds the call. Take goes on through lost connections and ended
// sessions. Errors: the error of ctx; session.ErrNoNode if path does not exist;
// session.ErrClosed; an invalid path or option. Take is safe for concurrent
// use.
func Take(ctx context.Context, sm *session.Manager, path string, opts ...Option) (*Report, error) {
	misuse.NilManager(sm == nil, "inspect.Take")
	r, err := newScan(bridge.Core(sm), newOptions("inspect.Take", opts), nil).take(ctx, path)
	if err != nil {
		return nil, fail(ctx, path, err)
	}
	return r, nil
}

func fail(ctx context.Context, path string, err error) error {
	return fmt.Errorf("inspect %s: %w", path, ctxend.Join(ctx, err))
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

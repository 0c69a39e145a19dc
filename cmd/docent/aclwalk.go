package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// aclWalk reads the ACLs of a tree and of the nodes above it.
type aclWalk struct {
	m          *core.Manager
	limit      int
	trust      []string
	below      bool // the nodes above the tree are not read
	anyoneOnly bool // only the rights of everyone are exposed

	outside *aclWalk // of the nodes above the root in --servers; nil without a root

	report *inspect.Report
	nodes  map[string]*aclNode
	order  []string // the paths, parents first
	left   int      // nodes that the limit left out
}

// aclNode is one node with its rights.
type aclNode struct {
	all, others []core.Grant
	children    int
	data        bool // it has data
	directory   bool // it has neither children nor data, and can have children
	names       []string
	hidden      bool // the ACL may not be read
	unlisted    bool // the children may not be listed
}

// aclAtOnce is how many nodes are read at a time.
const aclAtOnce = 16

// read reads the ACLs of the report's tree, and of its ancestors.
func (w *aclWalk) read(ctx context.Context, report *inspect.Report) error {
	w.report = report
	if err := w.above(ctx, report.Path); err != nil {
		return err
	}
	for level := []string{report.Path}; len(level) > 0; {
		room := max(0, w.limit-len(w.order))
		if len(level) > room {
			w.left += len(level) - room
			level = level[:room]
		}
		if err := w.level(ctx, level, true); err != nil {
			return err
		}
		var next []string
		for _, path := range level {
			n := w.nodes[path]
			if n == nil {
				continue
			}
			for _, name := range n.names {
				if path != "/" || name != "zookeeper" { // the servers' own tree
					next = append(next, znode.Join(path, name))
				}
			}
		}
		level = next
	}
	return nil
}

// above reads the nodes above a path.
func (w *aclWalk) above(ctx context.Context, path string) error {
	w.nodes = make(map[string]*aclNode)
	if w.below {
		return nil
	}
	for _, path := range ancestors(path) {
		if err := w.level(ctx, []string{path}, false); err != nil {
			return err
		}
	}
	return nil
}

// ancestors returns the nodes above path, the root first.
func ancestors(path string) (above []string) {
	for path != "/" {
		path, _ = znode.Split(path)
		above = append(above, path)
	}
	slices.Reverse(above)
	return above
}

// level reads some nodes at once. Nodes that are deleted meanwhile are left out.
func (w *aclWalk) level(ctx context.Context, paths []string, list bool) error {
	read := make([]*aclNode, len(paths))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(aclAtOnce)
	for i, path := range paths {
		group.Go(func() (err error) {
			read[i], err = w.node(within, path, list)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, path := range paths {
		if read[i] != nil {
			w.nodes[path] = read[i]
			w.order = append(w.order, path)
		}
	}
	return nil
}

func (w *aclWalk) node(ctx context.Context, path string, list bool) (*aclNode, error) {
	n := &aclNode{children: -1}
	s, err := w.m.Session(ctx)
	if err != nil {
		return nil, err
	}
	acl, stat, err := s.ACL(ctx, path)
	switch {
	case errors.Is(err, session.ErrNoNode):
		return nil, nil
	case errors.Is(err, session.ErrNoAuth):
		n.hidden = true
	case err != nil:
		return nil, err
	default:
		n.children = int(stat.NumChildren)
		n.data = stat.DataLength > 0
		n.directory = n.children == 0 && !n.data && stat.EphemeralOwner == 0
		n.all = core.GrantsOf(acl)
		if n.others, err = s.Others(ctx, acl, session.PermAll); err != nil {
			return nil, err
		}
		n.others = slices.DeleteFunc(n.others, func(g core.Grant) bool {
			return w.anyoneOnly && !everyone(g) || slices.Contains(w.trust, g.Scheme+":"+g.ID)
		})
	}
	if !list || n.children == 0 {
		return n, nil
	}
	n.names, _, err = s.Children(ctx, path)
	switch {
	case errors.Is(err, session.ErrNoNode):
		return nil, nil
	case errors.Is(err, session.ErrNoAuth):
		n.unlisted = true
	case err != nil:
		return nil, err
	}
	slices.Sort(n.names)
	return n, nil
}

// findings returns the ancestors with rights of others, and every finding of the
// tree.
func (w *aclWalk) findings() (all []aclFinding) {
	if w.outside != nil {
		all = w.outside.exposedAbove(w.m.Root())
		for i := range all {
			all[i].Outside = true
		}
	}
	all = append(all, w.exposedAbove(w.report.Path)...)
	parts := w.parts()
	for _, found := range w.report.Findings {
		h := found.Head()
		if h.Kind == inspect.KindOmitted {
			continue // the walk reads the ACLs of these nodes, within its own limit
		}
		f := aclFinding{Path: h.Path, Kind: h.Kind, Rights: []aclRight{}}
		if atPath[h.Kind] {
			dir, _ := znode.Split(h.Path)
			w.directory(&f, dir)
		}
		w.group(&f, parts[h.Path])
		all = append(all, f)
	}
	return all
}

// exposedAbove returns the nodes above a path on which others have rights, or
// whose ACLs may not be read.
func (w *aclWalk) exposedAbove(path string) (all []aclFinding) {
	for _, path := range ancestors(path) {
		f := aclFinding{Path: path, Kind: inspect.KindPlain, Above: true, Rights: []aclRight{}}
		w.directory(&f, path)
		if f.Exposed || f.Hidden > 0 {
			all = append(all, f)
		}
	}
	return all
}

// parts returns the nodes of each finding: every node belongs to the nearest
// finding above it.
func (w *aclWalk) parts() map[string][]string {
	known := make(map[string]bool)
	for _, f := range w.report.Findings {
		if f.Head().Kind != inspect.KindOmitted {
			known[f.Head().Path] = true
		}
	}
	parts := make(map[string][]string)
	for _, path := range w.order {
		for at := path; ; at, _ = znode.Split(at) {
			if known[at] {
				parts[at] = append(parts[at], path)
				break
			}
			if at == "/" {
				break
			}
		}
	}
	return parts
}

// inDirectory has the permissions that matter in a directory, and inNode those
// that matter on any other node.
const (
	inDirectory = session.PermCreate | session.PermDelete | session.PermAdmin
	inNode      = session.PermWrite | session.PermAdmin
)

// directory adds the rights of others in a directory.
func (w *aclWalk) directory(f *aclFinding, path string) {
	n := w.nodes[path]
	switch {
	case n == nil:
	case n.hidden:
		f.Hidden++
	default:
		for _, g := range n.others {
			w.add(f, path, g, g.Perms&inDirectory)
		}
	}
}

// group adds the rights on the nodes of a finding.
func (w *aclWalk) group(f *aclFinding, paths []string) {
	for _, path := range paths {
		n := w.nodes[path]
		if n.hidden {
			f.Hidden++
			continue
		}
		for _, g := range n.all {
			if path == f.Path && !slices.ContainsFunc(n.others, func(o core.Grant) bool { return o.Who() == g.Who() }) {
				f.Rights = append(f.Rights, aclRight{Who: g.Who(), Permissions: permissions(g.Perms), Path: path, may: mayAll(g)})
			}
		}
		for _, g := range n.others {
			w.add(f, path, g, g.Perms&mattering(f, path, n))
		}
	}
}

// mattering returns the permissions that matter on a node of a finding. A node
// with data and children is both: a key above other keys, for example. An empty
// directory of a recipe has its next holds.
func mattering(f *aclFinding, path string, n *aclNode) int32 {
	top := path == f.Path
	switch {
	case n.directory && !top:
		return inDirectory | inNode
	case n.children == 0 && (!top || atPath[f.Kind]):
		return inNode
	case n.data || f.Kind == inspect.KindJob:
		return inDirectory | inNode
	}
	return inDirectory
}

// everyone reports whether every client has the identity: anyone, or each
// address of IPv4.
func everyone(g core.Grant) bool {
	return g.Scheme == "world" || g.Scheme == "ip" && strings.HasSuffix(g.ID, "/0")
}

// mayAll says what a trusted identity may do.
func mayAll(g core.Grant) string {
	if g.Perms == session.PermAll {
		return "do everything"
	}
	return g.May()
}

// add adds a right of others, or counts it with the same right on another node
// of the finding.
func (w *aclWalk) add(f *aclFinding, path string, g core.Grant, perms int32) {
	if perms == 0 {
		return
	}
	f.Exposed = true
	g.Perms = perms
	for i, r := range f.Rights {
		if r.Exposed && r.Who == g.Who() && r.may == g.May() && r.Unsure == g.Unsure && path != f.Path && r.Path != f.Path {
			f.Rights[i].Nodes = max(1, r.Nodes) + 1
			return
		}
	}
	f.Rights = append(f.Rights, aclRight{Who: g.Who(), Permissions: permissions(perms), Path: path, Exposed: true,
		Means: means(f.Kind, perms), Unsure: g.Unsure, may: g.May()})
}

// gaps says what the check has not read.
func (w *aclWalk) gaps() string {
	hidden, unlisted, left := 0, 0, w.left
	nodes := slices.Collect(maps.Values(w.nodes))
	if w.outside != nil {
		nodes = slices.AppendSeq(nodes, maps.Values(w.outside.nodes))
	}
	for _, n := range nodes {
		if n.hidden {
			hidden++
		}
		if n.unlisted {
			unlisted++
		}
	}
	var words []string
	if left > 0 {
		words = append(words, fmt.Sprintf("%s and what is below them were left out (see --limit)", count(left, "znode")))
	}
	if hidden > 0 {
		words = append(words, fmt.Sprintf("the ACLs of %s may not be read (see --auth)", count(hidden, "znode")))
	}
	if unlisted > 0 {
		words = append(words, fmt.Sprintf("the children of %s may not be listed (see --auth)", count(unlisted, "znode")))
	}
	return strings.Join(words, ", ")
}

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// aclInit is "docent acl init".
type aclInit struct {
	Path      string `arg:"" name:"PATH" help:"The directory, as an absolute path."`
	Force     bool   `help:"Replace the ACL of a PATH that exists."`
	Recursive bool   `help:"With --force: replace the ACLs of all znodes below PATH too."`
}

// Help is shown by "docent acl init --help".
func (aclInit) Help() string {
	return `Makes PATH with an ACL that gives all rights to your credentials, and no right to others. Everything that recipes create ` +
		`below it with --acl creator is yours then. It needs --auth, --sasl-user or --tls-cert. If PATH exists with this ACL, nothing ` +
		`changes. If PATH exists with another ACL, docent acl init fails and says who has rights. With --force it replaces the ACL of PATH, ` +
		`and with --recursive the ACLs of the whole tree, from the top down. That needs the right to change ACLs.` + "\n\n" +
		`PATH is not deleted when it is empty, unlike the directories that recipes make. But who may delete in the parent of PATH can ` +
		`delete it while it is empty: docent acl init says so.` + "\n\n" +
		`Example: DOCENT_AUTH=digest:orders:... docent acl init /orders`
}

// aclInitJSON is the result of "docent acl init --json".
type aclInitJSON struct {
	Path    string   `json:"path"`
	Owners  []string `json:"owners"`
	Created bool     `json:"created"`
	Changed int      `json:"changed"` // how many ACLs were replaced
	Failed  int      `json:"failed,omitempty"`
}

// Run makes the directory.
func (c *aclInit) Run(ctx context.Context, a *app) error {
	task := "acl init " + c.Path
	if c.Recursive && !c.Force {
		return usagef("acl init: --recursive replaces ACLs; give --force too")
	}
	if err := a.globals.needCredentials("acl init: PATH will belong to your credentials, and there are none"); err != nil {
		return err
	}
	if err := withTask(task, znode.ValidateRoot(c.Path)); err != nil {
		return err
	}
	sm, err := a.connect(ctx, creatorOnly)
	if err != nil {
		return withTask(task, err)
	}
	run := &aclInitRun{c: c, a: a, m: bridge.Core(sm), task: task}
	result := aclInitJSON{Path: c.Path}
	err = a.whileReachable(ctx, sm, func(ctx context.Context) error {
		err := run.init(ctx, &result)
		if err == nil {
			err = run.warnOfParent(ctx)
		}
		return err
	})
	if err == nil {
		err = c.print(a, result)
	}
	if err == nil && result.Failed > 0 {
		a.code = exitFailure
	}
	return errors.Join(withTask(task, err), sm.Close())
}

// creatorOnly is the configuration of the commands that compare ACLs.
func creatorOnly(cfg *session.Config) {
	cfg.ACL, cfg.Directories = session.CreatorACL(), session.IgnoreExposed
}

func (c *aclInit) print(a *app, r aclInitJSON) error {
	if a.globals.JSON {
		return a.printJSON(r)
	}
	what := "belongs already to"
	switch {
	case r.Created:
		what = "created: it belongs to"
	case r.Changed == 1:
		what = "its ACL was replaced: it belongs to"
	case r.Changed > 1:
		what = fmt.Sprintf("%d ACLs were replaced: the tree belongs to", r.Changed)
	}
	return a.printf("%s  %s %s\n", oneLine(c.Path), what, oneLine(strings.Join(r.Owners, " and ")))
}

// aclInitRun is one "docent acl init" under way.
type aclInitRun struct {
	c    *aclInit
	a    *app
	m    *core.Manager
	task string
}

func (r *aclInitRun) init(ctx context.Context, result *aclInitJSON) error {
	acl, _, err := r.m.ACL(ctx, r.c.Path)
	if errors.Is(err, session.ErrNoNode) {
		if err := r.create(ctx, result); err != nil {
			return err
		}
		acl, _, err = r.m.ACL(ctx, r.c.Path)
	}
	switch {
	case errors.Is(err, session.ErrNoAuth):
		return &taskError{task: r.task, err: errors.New("PATH exists, and its ACL cannot be read with these credentials"),
			hint: "choose another path, or have its owner give you the right to change its ACL"}
	case err != nil:
		return err
	}
	s, err := r.m.Session(ctx)
	if err != nil {
		return err
	}
	others, mine, err := sharesOf(ctx, s, acl)
	switch {
	case err != nil:
		return err
	case mine && len(others) == 0:
		result.Owners = ownersOf(acl)
		if !r.c.Recursive {
			return nil
		}
	case !r.c.Force:
		return r.anothers(acl, others)
	}
	if err := r.replace(ctx, r.c.Path, result, true); err != nil {
		return err
	}
	acl, _, err = r.m.ACL(ctx, r.c.Path)
	result.Owners = ownersOf(acl)
	return err
}

// create makes PATH, unless another client has made it meanwhile.
func (r *aclInitRun) create(ctx context.Context, result *aclInitJSON) error {
	if root := r.m.Root(); r.c.Path == "/" && root != "/" {
		return &taskError{task: r.task, err: fmt.Errorf("the root %s in --servers does not exist", root),
			hint: fmt.Sprintf(`make it with "docent acl init %s", and leave the root out of --servers`, root)}
	}
	_, err := r.m.CreateWithParents(ctx, r.c.Path, nil)
	switch {
	case err == nil:
		result.Created = true
	case errors.Is(err, session.ErrUnknownOutcome):
	case errors.Is(err, session.ErrNodeExists):
		return nil
	case errors.Is(err, session.ErrNoAuth):
		dir, err := r.existing(ctx)
		if err != nil {
			return err
		}
		return &taskError{task: r.task, err: fmt.Errorf("PATH does not exist, and these credentials have no right to create znodes in %s", dir),
			hint: "have its owner make PATH or give you the right"}
	}
	return err
}

// existing returns the nearest znode above PATH that exists.
func (r *aclInitRun) existing(ctx context.Context) (string, error) {
	for dir := r.c.Path; ; {
		if dir, _ = znode.Split(dir); dir == "/" {
			return dir, nil
		}
		_, found, err := r.m.Exists(ctx, dir)
		switch {
		case errors.Is(err, session.ErrNoAuth), err == nil && found: // some servers hide the stat
			return dir, nil
		case err != nil:
			return "", err
		}
	}
}

// sharesOf returns what the ACL gives to others, and whether it gives all rights
// to the session.
func sharesOf(ctx context.Context, s *core.Session, acl []session.ACL) (others []core.Grant, mine bool, err error) {
	if others, err = s.Others(ctx, acl, session.PermAll); err != nil {
		return nil, false, err
	}
	// What is not another's is the session's own.
	mine = slices.ContainsFunc(core.GrantsOf(acl), func(g core.Grant) bool {
		return g.Perms == session.PermAll && !slices.ContainsFunc(others, func(o core.Grant) bool { return o.Who() == g.Who() })
	})
	return others, mine, nil
}

// anothers is the error for a PATH that exists with another ACL.
func (r *aclInitRun) anothers(acl []session.ACL, others []core.Grant) error {
	words := make([]string, 0, len(others))
	for _, g := range others {
		words = append(words, g.String())
	}
	what := "it does not give you all rights: all rights belong to " + ownerText(acl)
	if len(words) > 0 {
		what = strings.Join(words, "; ")
	}
	return &taskError{task: r.task, err: fmt.Errorf("PATH exists with another ACL: %s", what),
		hint: `look at it with "docent acl check", and give --force to replace its ACL`}
}

// replace gives a node the creator's ACL, and with --recursive the nodes below
// it. The node comes first, so that others can no longer add nodes meanwhile.
func (r *aclInitRun) replace(ctx context.Context, path string, result *aclInitJSON, top bool) error {
	err := r.replaceOne(ctx, path, result)
	switch {
	case errors.Is(err, session.ErrNoNode) && !top:
		return nil
	case errors.Is(err, session.ErrNoAuth) && !top:
		result.Failed++
		r.a.problem(r.task, err)
	case err != nil:
		return err
	}
	if !r.c.Recursive {
		return nil
	}
	names, _, err := r.m.Children(ctx, path)
	switch {
	case errors.Is(err, session.ErrNoNode):
		return nil
	case errors.Is(err, session.ErrNoAuth):
		return nil // the failure is counted above
	case err != nil:
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		if path == "/" && name == "zookeeper" {
			continue // the servers' own tree
		}
		if err := r.replace(ctx, znode.Join(path, name), result, false); err != nil {
			return err
		}
	}
	return nil
}

// replaceOne replaces the ACL of one node, unless it is the creator's already.
// Entries without permissions stay: they are marks of recipes.
func (r *aclInitRun) replaceOne(ctx context.Context, path string, result *aclInitJSON) error {
	s, err := r.m.Session(ctx)
	if err != nil {
		return err
	}
	acl, stat, err := s.ACL(ctx, path)
	version := stat.Aversion
	if errors.Is(err, session.ErrNoAuth) { // the right to change the ACL may be there nevertheless
		acl, version, err = nil, session.AnyVersion, nil
	}
	if err != nil {
		return err
	}
	if others, mine, err := sharesOf(ctx, s, acl); err != nil || mine && len(others) == 0 {
		return err
	}
	want := session.CreatorACL()
	for _, a := range acl {
		if a.Perms == 0 {
			want = append(want, a)
		}
	}
	if _, err := s.SetACL(ctx, path, want, version); err != nil {
		return err
	}
	result.Changed++
	return nil
}

// warnOfParent prints the rights of others to delete PATH while it is empty. The
// parent of a root in --servers is above that root.
func (r *aclInitRun) warnOfParent(ctx context.Context) error {
	if r.c.Path != "/" {
		dir, _ := znode.Split(r.c.Path)
		return r.warnOf(ctx, r.m, dir, r.c.Path, ",")
	}
	root := r.m.Root()
	if root == "/" {
		return nil
	}
	sm, err := r.a.outside(ctx)
	if err != nil {
		return err
	}
	dir, _ := znode.Split(root)
	return errors.Join(r.warnOf(ctx, bridge.Core(sm), dir, root, ", above the root in --servers,"), sm.Close())
}

// warnOf prints the rights of others in the directory of a path. where follows
// the directory in the line.
func (r *aclInitRun) warnOf(ctx context.Context, m *core.Manager, dir, path, where string) error {
	acl, _, err := m.ACL(ctx, dir)
	switch {
	case errors.Is(err, session.ErrNoNode):
		return nil
	case errors.Is(err, session.ErrNoAuth):
		r.a.note("warning: %s: the rights in %s%s are hidden: if others may delete znodes there, they can delete %s while it is empty",
			r.task, oneLine(dir), where, oneLine(path))
		return nil
	case err != nil:
		return err
	}
	s, err := m.Session(ctx)
	if err != nil {
		return err
	}
	others, err := s.Others(ctx, acl, session.PermDelete|session.PermAdmin)
	if err != nil {
		return err
	}
	for _, g := range others {
		r.a.note("warning: %s: in %s%s %s, so they can delete %s while it is empty, and make it again",
			r.task, oneLine(dir), where, g, oneLine(path))
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/session"
)

// aclCheck is "docent acl check".
type aclCheck struct {
	Path  string   `arg:"" name:"PATH" optional:"" default:"/" help:"The top of the tree. Default: /, which is the root in --servers."`
	Below bool     `help:"Check PATH and what is below it, and not the znodes above: whether your own tree is closed, where / is open."`
	Limit int      `default:"10000" placeholder:"N" help:"Read at most N znodes."`
	Trust []string `placeholder:"SCHEME:ID" help:"Other identities that may have rights, such as digest:ops or sasl:backup. They are compared by name."`
}

// Help is shown by "docent acl check --help".
func (aclCheck) Help() string {
	return `Prints for each recipe below PATH who may do what, and marks with "!" what others can do with it, such as take a lock. ` +
		`It also looks at the znodes above PATH and above the root in --servers: who may delete there can delete an empty directory, and make it again. ` +
		`It changes nothing.` + "\n\n" +
		`Others are all identities but those of your credentials (--auth, --sasl-user, --tls-cert) and of --trust. Without ` +
		`credentials and --trust, only the rights of everyone and of all addresses (ip:0.0.0.0/0) are marked. The digest scheme's passwords are not compared with ` +
		`--trust, only the names.` + "\n\n" +
		`It says which znodes --limit leaves out, and which ACLs it may not read. With --json each line is one finding. ` +
		`Exit codes: 0 if everything was read and nothing is marked, 1 otherwise, 69 if ZooKeeper cannot be reached.` + "\n\n" +
		`Example: docent acl check /orders --below || alert`
}

func (c *aclCheck) check() error {
	if c.Limit < 1 {
		return usagef("acl check: --limit %d is too small; give 1 or more", c.Limit)
	}
	for _, who := range c.Trust {
		if scheme, id, ok := strings.Cut(who, ":"); !ok || scheme == "" || id == "" {
			return usagef("acl check: --trust %q has another form; write SCHEME:ID, such as digest:ops", who)
		}
	}
	return nil
}

// Run prints the rights of the tree.
func (c *aclCheck) Run(ctx context.Context, a *app) error {
	task := "acl check " + c.Path
	if err := c.check(); err != nil {
		return err
	}
	if err := withTask(task, znode.ValidateRoot(c.Path)); err != nil {
		return err
	}
	sm, err := a.connect(ctx, creatorOnly)
	if err != nil {
		return withTask(task, err)
	}
	err = a.whileReachable(ctx, sm, func(ctx context.Context) error {
		report, err := inspect.Read(ctx, sm, c.Path, inspect.Limit(c.Limit))
		if err != nil {
			return err
		}
		walk := &aclWalk{m: bridge.Core(sm), limit: c.Limit, trust: c.Trust, below: c.Below,
			anyoneOnly: len(c.Trust) == 0 && !a.globals.hasCredentials()}
		if err := walk.read(ctx, report); err != nil {
			return err
		}
		if walk.m.Root() != "/" && !c.Below {
			if err := c.lookOutside(ctx, a, walk); err != nil {
				return err
			}
		}
		return c.print(a, task, walk)
	})
	return errors.Join(withTask(task, err), sm.Close())
}

// lookOutside reads the nodes above the root in --servers, which need a session
// without that root.
func (c *aclCheck) lookOutside(ctx context.Context, a *app, walk *aclWalk) error {
	sm, err := a.outside(ctx)
	if err != nil {
		return err
	}
	walk.outside = &aclWalk{m: bridge.Core(sm), trust: walk.trust, anyoneOnly: walk.anyoneOnly}
	return errors.Join(walk.outside.above(ctx, walk.m.Root()), sm.Close())
}

// outside opens a session without the root in --servers, to read the ACLs above
// it. The session is the caller's to close.
func (a *app) outside(ctx context.Context) (*session.Manager, error) {
	inside := a.sm
	defer func() { a.sm = inside }()
	return a.connect(ctx, creatorOnly, func(cfg *session.Config) { cfg.Root = "" })
}

// print prints the findings, and sets the exit code.
func (c *aclCheck) print(a *app, task string, walk *aclWalk) error {
	exposed := 0
	for _, f := range walk.findings() {
		if f.Exposed {
			exposed++
		}
		var err error
		if a.globals.JSON {
			err = a.printJSON(f)
		} else {
			err = a.printf("%s", f.text())
		}
		if err != nil {
			return err
		}
	}
	if gaps := walk.gaps(); gaps != "" {
		a.code = exitFailure
		a.note("%s: the check is not complete: %s", task, gaps)
	}
	switch {
	case exposed > 0:
		a.code = exitFailure
		a.note("%s: others have rights in %s; close what is yours with \"docent acl init --force\", or name who may have them with --trust",
			task, count(exposed, "place"))
	case a.globals.JSON:
	case walk.gaps() != "":
		return a.printf("nothing is exposed in the znodes that were read\n")
	default:
		return a.printf("nothing is exposed\n")
	}
	return nil
}

// aclFinding is one recipe, or one other node, with its rights.
type aclFinding struct {
	Path    string       `json:"path"`
	Kind    inspect.Kind `json:"kind"`
	Above   bool         `json:"above,omitempty"`   // the node is above PATH
	Outside bool         `json:"outside,omitempty"` // the node is above the root in --servers, and Path is the path without that root
	Rights  []aclRight   `json:"rights"`
	Hidden  int          `json:"hidden,omitempty"` // nodes whose ACL may not be read
	Exposed bool         `json:"exposed"`
}

// aclRight is what one identity may do in one place of a recipe.
type aclRight struct {
	Who         string   `json:"who"`
	Permissions []string `json:"permissions"`
	Path        string   `json:"path"`            // a node with the ACL
	Nodes       int      `json:"nodes,omitempty"` // how many nodes of the recipe have it, if Path is one of several
	Exposed     bool     `json:"exposed"`
	Means       string   `json:"means,omitempty"` // what the identity can do to the recipe
	Unsure      string   `json:"unsure,omitempty"`

	may string
}

// text formats a finding.
func (f aclFinding) text() string {
	var b strings.Builder
	kind := string(f.Kind)
	switch {
	case f.Outside:
		kind = "above the root in --servers"
	case f.Above:
		kind = "above"
	}
	fmt.Fprintf(&b, "%s  %s\n", oneLine(f.Path), kind)
	for _, r := range f.Rights {
		mark, means := " ", ""
		if r.Exposed {
			mark, means = "!", ": "+r.Means
		}
		if r.Unsure != "" {
			means += " (" + r.Unsure + ")"
		}
		fmt.Fprintf(&b, "  %s %s may %s%s%s\n", mark, oneLine(r.Who), r.may, r.where(f.Path), means)
	}
	if f.Hidden > 0 {
		fmt.Fprintf(&b, "    the ACLs of %s may not be read\n", count(f.Hidden, "znode"))
	}
	return b.String()
}

// where says which nodes have the ACL, unless it is the finding's own.
func (r aclRight) where(path string) string {
	switch {
	case r.Nodes > 1:
		return fmt.Sprintf(" (%d znodes, such as %s)", r.Nodes, oneLine(r.Path))
	case r.Path != path:
		return " (" + oneLine(r.Path) + ")"
	}
	return ""
}

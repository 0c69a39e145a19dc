package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/docent-go/docent/cmd/docent/internal/treefile"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/session"
)

// configImport is "docent config import".
type configImport struct {
	Path   string `arg:"" name:"PATH" help:"The directory of the keys, as an absolute path."`
	From   string `arg:"" name:"FILE" help:"A file or a directory of docent config export; - reads JSON from standard input."`
	Delete bool   `help:"Delete the keys below PATH that FILE does not have. Default: keep them."`
	DryRun bool   `help:"Print what would be written, and write nothing."`
	Force  bool   `help:"Overwrite keys that were changed after the export, and numbers that may be counters. Default: write nothing then."`
	treeLimits
}

// Help is shown by "docent config import --help".
func (configImport) Help() string {
	return `Writes the keys whose values differ, and prints "create KEY", "set KEY" or "delete KEY" for each. A key that another client writes ` +
		`meanwhile is not overwritten: the exit code is 1. So it is, and nothing is written, if a key was changed after the export: JSON has the time of the export as a zxid. ` +
		`That is not checked if FILE is a directory, or the export of another path. Give --force to import into another ensemble. The exit code is ` +
		`also 1, and nothing is written, if a znode belongs to another recipe, or looks like the number of a counter. --force overwrites such a number.` + "\n\n" +
		`The writes are one transaction if they fit into a request of 1 MB. Otherwise docent says how many transactions there are: readers ` +
		`may see a part of the changes then, and so may a failure leave it. Run the import again to write the rest.`
}

// Run writes the differences.
func (c *configImport) Run(ctx context.Context, a *app) error {
	task := "config import " + c.Path
	if err := c.check("config import"); err != nil {
		return err
	}
	if err := withTask(task, checkTree(c.Path)); err != nil {
		return err
	}
	want, err := a.readSource(c.From, c.Path, c.treeLimits)
	if err != nil {
		return withTask(task, err)
	}
	return a.withTree(ctx, task, c.Path, func(ctx context.Context, sm *session.Manager, s *config.Store) error {
		now, snap, err := a.readTree(ctx, sm, c.Path, c.treeLimits)
		if err != nil && !errors.Is(err, session.ErrNoNode) {
			return err
		}
		if c.Delete {
			a.noteForeign(task, snap)
		}
		steps, err := c.plan(now, want, snap)
		if err != nil {
			return err
		}
		if err := a.once(ctx, func(ctx context.Context) error { return c.checkKeys(ctx, sm, task, steps) }); err != nil {
			return err
		}
		parts, err := split(steps, len(sm.Root()))
		if err != nil {
			return err
		}
		if len(parts) > 1 {
			a.note("%s: %d transactions are needed, since a request has 1 MB at most; readers may see a part of the changes in between", task, len(parts))
		}
		for i, part := range parts {
			if !c.DryRun {
				if err := c.write(ctx, a, s, part); err != nil {
					return partly(task, err, i, len(parts))
				}
			}
			for _, step := range part {
				if err := c.print(a, step); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// importStep is one write.
type importStep struct {
	verb    string // create, set or delete
	key     string
	path    string
	data    []byte
	version int32
}

func (s importStep) op() config.KeyOp {
	switch s.verb {
	case "create":
		return config.CreateKey(s.path, s.data)
	case "delete":
		return config.DeleteKey(s.path, s.version)
	}
	return config.SetKey(s.path, s.data, s.version)
}

// plan returns the steps from one tree to the other. Parents come before their
// children, and are deleted after them.
func (c *configImport) plan(now, want treefile.Tree, snap *config.TreeSnapshot[[]byte]) ([]importStep, error) {
	var steps, deletes []importStep
	var late []string // changed after the export
	inner := now.Inner()
	compared := want.Path == c.Path && want.Zxid > 0 && !c.Force
	for _, d := range treefile.Compare(now, want) {
		step := importStep{verb: "set", key: d.Key, path: strings.TrimSuffix(c.Path, "/") + "/" + d.Key, data: d.After}
		if d.After == nil && !c.Delete {
			continue
		}
		if d.Before == nil {
			step.verb = "create"
			steps = append(steps, step)
			continue
		}
		present := snap.Lookup(d.Key)
		step.version = present.Version
		if compared && present.Zxid > want.Zxid {
			late = append(late, oneLine(d.Key))
		}
		switch {
		case d.After != nil:
			steps = append(steps, step)
		case inner[d.Key]: // without its value it is a directory
			step.data = []byte{}
			deletes = append(deletes, step)
		default:
			step.verb = "delete"
			deletes = append(deletes, step)
		}
	}
	if len(late) > 0 {
		return nil, fmt.Errorf("nothing was written: changed after the export: %s; export again, or overwrite with --force", oneline.Names(late))
	}
	slices.Reverse(deletes)
	return append(steps, deletes...), nil
}

// checkKeys returns an error if a step would write or delete a znode of another
// recipe. --force allows what may be a key: a number.
func (c *configImport) checkKeys(ctx context.Context, sm *session.Manager, task string, steps []importStep) error {
	found, err := foreignKeys(ctx, sm, steps)
	if err != nil {
		return err
	}
	if c.Force {
		found = slices.DeleteFunc(found, func(f foreignKey) bool { return f.number })
	}
	if len(found) == 0 {
		return nil
	}
	first := found[0]
	more := ""
	if n := len(found) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	hint := "remove it from " + named(c.From)
	if first.step.data == nil || first.step.verb == "delete" {
		hint = "leave out --delete"
	}
	if first.number {
		hint += ", or overwrite it with --force if it is a key"
	}
	return &taskError{task: task, err: fmt.Errorf("nothing was written: %s%s", first.reason(), more), hint: hint}
}

// Sizes of transactions, in bytes. The server's limit is 1 MiB less one byte,
// and each step has a header, an ACL and lengths.
const (
	maxTransaction = 1_000_000
	stepOverhead   = 160
	maxSteps       = 4096
)

// split divides the steps into transactions. root is the length of the root's
// path. No transaction is too large: the error says which key is.
func split(steps []importStep, root int) (parts [][]importStep, err error) {
	size := 0
	for _, step := range steps {
		n := root + len(step.path) + len(step.data) + stepOverhead
		if n > maxTransaction {
			return nil, fmt.Errorf("nothing was written: the key %s has %d bytes, and a request to ZooKeeper has 1 MB at most", oneLine(step.key), len(step.data))
		}
		last := len(parts) - 1
		if last < 0 || size+n > maxTransaction || len(parts[last]) == maxSteps {
			parts, size = append(parts, nil), 0
			last++
		}
		size += n
		parts[last] = append(parts[last], step)
	}
	return parts, nil
}

// write does the steps in one transaction. A key may be new to the tree and
// exist as a directory: then its value is set.
func (c *configImport) write(ctx context.Context, a *app, s *config.Store, part []importStep) error {
	part = slices.Clone(part)
	publish := func() error {
		ops := make([]config.KeyOp, len(part))
		for i, step := range part {
			ops[i] = step.op()
		}
		return a.once(ctx, func(ctx context.Context) error { return s.Publish(ctx, ops...) })
	}
	err := publish()
	if !errors.Is(err, session.ErrNodeExists) || errors.Is(err, session.ErrUnknownOutcome) {
		return err
	}
	directories := 0
	for i := range part {
		if part[i].verb != "create" {
			continue
		}
		var entry config.Entry
		missed := a.once(ctx, func(ctx context.Context) (err error) {
			entry, err = s.Get(ctx, part[i].path)
			return err
		})
		switch {
		case errors.Is(missed, session.ErrNoNode):
		case missed != nil:
			return missed
		case len(entry.Data) == 0:
			part[i].verb, part[i].version = "set", entry.Version
			directories++
		}
	}
	if directories == 0 {
		return err
	}
	return publish()
}

// partly adds to the error of a transaction what was written before it.
func partly(task string, err error, done, all int) error {
	what := "nothing was written"
	if done > 0 {
		what = fmt.Sprintf("%d of %d transactions were written", done, all)
	}
	switch {
	case isConflict(err):
		return &taskError{task: task, err: fmt.Errorf("another client has changed the tree meanwhile: %s", withoutOp(err)), hint: what + "; run the import again"}
	case done > 0:
		return &taskError{task: task, err: errors.New(withoutOp(err)), hint: what + "; run the import again"}
	}
	return err
}

func (c *configImport) print(a *app, step importStep) error {
	if a.globals.JSON {
		return a.printJSON(struct {
			Change string `json:"change"`
			Key    string `json:"key"`
			DryRun bool   `json:"dryRun,omitempty"`
		}{step.verb, step.key, c.DryRun})
	}
	return a.printf("%s %s\n", step.verb, oneLine(step.key))
}

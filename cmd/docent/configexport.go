package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"

	"github.com/docent-go/docent/cmd/docent/internal/treefile"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/base/atomicfile"
	"github.com/docent-go/docent/session"
)

// configExport is "docent config export".
type configExport struct {
	Path string `arg:"" name:"PATH" help:"The directory of the keys, as an absolute path."`
	To   string `arg:"" optional:"" name:"FILE" help:"A JSON file, or a new or empty directory, whose name ends in /. Default: JSON on standard output."`
	treeLimits
}

// Help is shown by "docent config export --help".
func (configExport) Help() string {
	return `Writes all keys below the path, at every depth, as they were at the same instant. The JSON document has a line for each key, with ` +
		`its value, or base64 if the value is not UTF-8. A directory has a file for each key: the file of db/host is db/host, byte for byte. A name has ` +
		`% and two digits in place of what is not a letter, a digit or one of -_.+@, (and in place of a first dot or dash). A key ` +
		`that has keys below it is in a file %value. A file is replaced as a whole, with mode 0600. Histories and directories without a value are left out. ` +
		`If a key may not be read, nothing is written, and the exit code is 1.`
}

// Run writes the keys.
func (c *configExport) Run(ctx context.Context, a *app) error {
	task := "config export " + c.Path
	if err := c.check("config export"); err != nil {
		return err
	}
	return a.withTree(ctx, task, c.Path, func(ctx context.Context, sm *session.Manager, _ *config.Store) error {
		tree, snap, err := a.readTree(ctx, sm, c.Path, c.treeLimits)
		if err != nil {
			return err
		}
		a.noteForeign(task, snap)
		info, err := os.Stat(c.To)
		if strings.HasSuffix(c.To, "/") || err == nil && info.IsDir() {
			return tree.WriteDirectory(c.To)
		}
		var text bytes.Buffer
		if err := tree.Write(&text); err != nil {
			return err
		}
		if c.To == "" || c.To == "-" {
			return a.printf("%s", text.String())
		}
		return atomicfile.Replace(c.To, text.Bytes(), 0o600)
	})
}

// configDiff is "docent config diff".
type configDiff struct {
	Path  string `arg:"" name:"PATH" help:"The directory of the keys, as an absolute path."`
	File  string `arg:"" optional:"" name:"FILE" help:"A file or a directory of docent config export; - reads JSON from standard input."`
	Other string `name:"with" placeholder:"PATH" help:"Compare with the keys below this path, in place of FILE."`
	Keys  bool   `name:"keys-only" help:"Print the keys without their values."`
	treeLimits
}

// Help is shown by "docent config diff --help".
func (configDiff) Help() string {
	return `Compares the keys below PATH with FILE, or with those below another path. The exit code is 0 if they have the same keys and values, and 1 ` +
		`if they differ. Each difference is a line: "+ KEY" for a key of FILE alone, "- KEY" for a key of PATH alone, and ` +
		`"~ KEY" for a key whose values differ, with the values after tabs. So the lines say what "docent config import --delete" would do. ` +
		`A line on standard error names each key that it would not write, since the znode belongs to another recipe. A failure has the exit code 1 too, or ` +
		`another one, and a line on standard error. With --json each line is an object with change, key, before and after.`
}

// Run prints the differences.
func (c *configDiff) Run(ctx context.Context, a *app) error {
	task := "config diff " + c.Path
	if err := c.check("config diff"); err != nil {
		return err
	}
	if (c.File == "") == (c.Other == "") {
		return usagef("config diff: give either FILE or --with PATH")
	}
	var after treefile.Tree
	err := checkTree(c.Path)
	switch {
	case err == nil && c.File != "":
		after, err = a.readSource(c.File, c.Path, c.treeLimits)
	case err == nil:
		err = checkTree(c.Other)
	}
	if err != nil {
		return withTask(task, err)
	}
	return a.withTree(ctx, task, c.Path, func(ctx context.Context, sm *session.Manager, _ *config.Store) error {
		before, snap, err := a.readTree(ctx, sm, c.Path, c.treeLimits)
		if err != nil {
			return err
		}
		a.noteForeign(task, snap)
		if c.Other != "" {
			if after, snap, err = a.readTree(ctx, sm, c.Other, c.treeLimits); err != nil {
				return err
			}
			a.noteForeign(task+" --with "+c.Other, snap)
		}
		var steps []importStep
		for _, d := range treefile.Compare(before, after) {
			a.code = exitFailure
			if err := c.print(a, d); err != nil {
				return err
			}
			steps = append(steps, importStep{key: d.Key, path: strings.TrimSuffix(c.Path, "/") + "/" + d.Key})
		}
		return a.once(ctx, func(ctx context.Context) error { return c.noteForeign(ctx, a, sm, task, steps) })
	})
}

// noteForeign prints a line on standard error for each difference that "docent
// config import" would not write.
func (c *configDiff) noteForeign(ctx context.Context, a *app, sm *session.Manager, task string, steps []importStep) error {
	if c.File == "" {
		return nil
	}
	found, err := foreignKeys(ctx, sm, steps)
	for _, f := range found {
		a.note("%s: %s; \"docent config import\" does not write it", task, f.reason())
	}
	return err
}

func (c *configDiff) print(a *app, d treefile.Difference) error {
	mark, change := "~", "changed"
	switch {
	case d.Before == nil:
		mark, change = "+", "added"
	case d.After == nil:
		mark, change = "-", "removed"
	}
	if a.globals.JSON {
		line := diffJSON{Change: change, Key: d.Key}
		if !c.Keys {
			line.Before, line.After = jsonBytes(d.Before), jsonBytes(d.After)
		}
		return a.printJSON(line)
	}
	line := mark + " " + oneLine(d.Key)
	for _, value := range [][]byte{d.Before, d.After} {
		if value != nil && !c.Keys {
			line += "\t" + oneLine(string(value))
		}
	}
	return a.printf("%s\n", line)
}

// diffJSON is one difference.
type diffJSON struct {
	Change string     `json:"change"`
	Key    string     `json:"key"`
	Before *bytesJSON `json:"before,omitempty"`
	After  *bytesJSON `json:"after,omitempty"`
}

// bytesJSON is a value: Value if it is UTF-8, and Base64 otherwise.
type bytesJSON struct {
	Value  *string `json:"value,omitempty"`
	Base64 []byte  `json:"base64,omitempty"`
}

func jsonBytes(data []byte) *bytesJSON {
	if data == nil {
		return nil
	}
	var v valueJSON
	v.set(data)
	return &bytesJSON{v.Value, v.Base64}
}

// isConflict reports whether a write was rejected because another client has
// changed the znode since it was read.
func isConflict(err error) bool {
	if errors.Is(err, session.ErrUnknownOutcome) {
		return false
	}
	return errors.Is(err, session.ErrBadVersion) || errors.Is(err, session.ErrNodeExists) || errors.Is(err, session.ErrNoNode)
}

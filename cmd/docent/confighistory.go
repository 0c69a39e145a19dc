package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// configHistory is "docent config history".
type configHistory struct {
	Path string `arg:"" name:"PATH" help:"The key, as an absolute path."`
}

// Help is shown by "docent config history --help".
func (configHistory) Help() string {
	return `Prints the values that "docent config set --keep N" has kept, newest first. Each line has the value's id, time, mark ` +
		`and the value. The mark is "present" for the key's present value, "external" for a value that was written without --keep ` +
		`and replaced since, and "hidden" for a value that an ACL hides. With --json each value is an object. If no value is ` +
		`present, the last write of the key was without --keep, or the key was deleted.`
}

// Run prints the history.
func (c *configHistory) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, "config history "+c.Path, c.Path, func(ctx context.Context, sm *session.Manager, s *config.Store) error {
		var revisions []config.Revision
		err := a.once(ctx, func(ctx context.Context) (err error) {
			if revisions, err = s.History(config.MaxHistory).List(ctx, c.Path); err == nil && len(revisions) == 0 {
				err = orMissing(ctx, sm, c.Path)
			}
			return err
		})
		if errors.Is(err, session.ErrLeftOut) {
			a.problem("config history "+c.Path, err) // the newest values are known
			err = nil
		}
		if err != nil {
			return err
		}
		for _, r := range revisions {
			if err := c.print(a, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *configHistory) print(a *app, r config.Revision) error {
	if a.globals.JSON {
		v := valueJSON{Path: c.Path, Zxid: r.Zxid, Time: knownTime(r.ModTime)}
		if !r.Hidden {
			v.set(r.Data)
		}
		return a.printJSON(struct {
			ID       int32 `json:"id"`
			Present  bool  `json:"present,omitempty"`
			External bool  `json:"external,omitempty"`
			Hidden   bool  `json:"hidden,omitempty"`
			valueJSON
		}{r.ID, r.Present, r.External, r.Hidden, v})
	}
	note := "-"
	switch {
	case r.Present:
		note = "present"
	case r.External:
		note = "external"
	}
	if r.Hidden {
		a.note("config history %s: the ACL of value %d denies reading it", c.Path, r.ID)
		note = "hidden"
	}
	when := "?"
	if !r.ModTime.IsZero() {
		when = clock(r.ModTime, time.Now())
	}
	return a.printf("%d\t%s\t%s\t%s\n", r.ID, when, note, oneLine(string(r.Data)))
}

// configRollback is "docent config rollback".
type configRollback struct {
	Path string `arg:"" name:"PATH" help:"The key, as an absolute path."`
	ID   int32  `arg:"" name:"ID" help:"The value's id, from docent config history."`
	Keep *int   `placeholder:"N" help:"How many values to keep. Default: all kept values, and this one."`
}

// Help is shown by "docent config rollback --help".
func (configRollback) Help() string {
	return `Writes a kept value again, as the newest, and prints the key's new version. A deleted key is created again.`
}

// Run writes the old value.
func (c *configRollback) Run(ctx context.Context, a *app) error {
	keep := config.MaxHistory
	if c.Keep != nil {
		keep = *c.Keep
	}
	if err := checkKeep("config rollback", keep); err != nil {
		return err
	}
	if c.ID < 0 {
		return usagef("config rollback: the ID %d is negative; list the values with \"docent config history\"", c.ID)
	}
	return a.withStore(ctx, "config rollback "+c.Path, c.Path, func(ctx context.Context, _ *session.Manager, s *config.Store) error {
		var entry config.Entry
		err := a.once(ctx, func(ctx context.Context) (err error) {
			entry, err = s.History(keep).Rollback(ctx, c.Path, c.ID)
			return err
		})
		if err != nil {
			return err
		}
		return printVersion(a, c.Path, entry.Version)
	})
}

// checkKeep refuses a number of values that is out of range.
func checkKeep(command string, keep int) error {
	if keep < 1 || keep > config.MaxHistory {
		return usagef("%s: --keep %d is out of range; give 1 to %d", command, keep, config.MaxHistory)
	}
	return nil
}

// printVersion prints the version that a write has given the key.
func printVersion(a *app, path string, version int32) error {
	if a.globals.JSON {
		return a.printJSON(struct {
			Path    string `json:"path"`
			Version int32  `json:"version"`
		}{path, version})
	}
	return a.printf("%d\n", version)
}

// configList is "docent config list".
type configList struct {
	Path string `arg:"" name:"PATH" help:"The directory, as an absolute path."`
}

// Help is shown by "docent config list --help".
func (configList) Help() string {
	return `Prints every key below the path, at every depth, sorted. Each line has the key relative to the path, its version and ` +
		`its value. The keys are a snapshot of one instant. It omits directories without a value, and histories. For each key ` +
		`that may not be read, and each directory that may not be listed, it prints a line on standard error. So it does if keys ` +
		`are left out, beyond 20000 znodes or 64 MiB.`
}

// Run prints the keys.
func (c *configList) Run(ctx context.Context, a *app) error {
	return a.withTree(ctx, "config list "+c.Path, c.Path, func(ctx context.Context, sm *session.Manager, _ *config.Store) error {
		var snap *config.TreeSnapshot[[]byte]
		err := a.once(ctx, func(ctx context.Context) error {
			if err := sm.Sync(ctx, c.Path); err != nil {
				return err
			}
			tree, err := config.OpenTree(ctx, sm, c.Path, config.Bytes(), config.Default[[]byte](nil))
			if err != nil {
				return err
			}
			snap, err = tree.Load(), tree.Err()
			if leftOut := errors.Is(err, session.ErrLeftOut); leftOut || len(snap.Hidden) > 0 && snap.Hidden[0].Key != "" {
				err = nil // the rest is known
			}
			return errors.Join(err, tree.Close())
		})
		if err != nil {
			return err
		}
		if !snap.Exists {
			return missing(c.Path)
		}
		if out := snap.LeftOut; out.Znodes > 0 {
			a.note("config list %s: %d znodes with %d bytes are left out, beyond the limits of %d znodes and %d bytes; the first is %s",
				c.Path, out.Znodes, out.Bytes, config.DefaultLimit, config.DefaultMaxBytes, oneLine(out.First[0]))
		}
		for _, h := range snap.Hidden {
			a.note("config list %s: %s", c.Path, nodeReason(h.Err))
		}
		a.noteForeign("config list "+c.Path, snap)
		for k := range snap.All() {
			if err := c.print(a, k); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *configList) print(a *app, k *config.Key[[]byte]) error {
	if a.globals.JSON {
		v := valueJSON{
			Path: strings.TrimSuffix(c.Path, "/") + "/" + k.Key, Version: &k.Version, Zxid: k.Zxid, Time: timestamp(k.ModTime),
		}
		v.set(k.Value)
		return a.printJSON(v)
	}
	return a.printf("%s\t%d\t%s\n", oneLine(k.Key), k.Version, oneLine(string(k.Value)))
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// configCommand is "docent config".
type configCommand struct {
	Get      configGet      `cmd:"" help:"Print a key's value."`
	Set      configSet      `cmd:"" help:"Write a key's value, and print its new version."`
	Watch    configWatch    `cmd:"" help:"Print a key's value, and then every change of it."`
	Delete   configDelete   `cmd:"" help:"Delete a key."`
	List     configList     `cmd:"" help:"Print all keys below a path."`
	Sync     configSync     `cmd:"" help:"Keep a local file equal to a key, and run a command after each change."`
	Export   configExport   `cmd:"" help:"Write all keys below a path as JSON or as files."`
	Import   configImport   `cmd:"" help:"Write the keys of an export that differ."`
	Diff     configDiff     `cmd:"" help:"Compare all keys below a path with an export or with another path."`
	History  configHistory  `cmd:"" help:"Print the kept values of a key."`
	Rollback configRollback `cmd:"" help:"Write a kept value again."`
}

// configGet is "docent config get".
type configGet struct {
	Path string `arg:"" name:"PATH" help:"The key, as an absolute path."`
}

// Help is shown by "docent config get --help".
func (configGet) Help() string {
	return `Prints the value byte for byte. A newline follows only on a terminal. With --json it prints path, value (or base64, ` +
		`if the value is not UTF-8), version, zxid and time.`
}

// Run prints the value.
func (c *configGet) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, "config get "+c.Path, c.Path, func(ctx context.Context, _ *session.Manager, s *config.Store) error {
		var entry config.Entry
		err := a.once(ctx, func(ctx context.Context) (err error) {
			entry, err = s.Get(ctx, c.Path)
			return err
		})
		if err != nil {
			return err
		}
		if a.globals.JSON {
			return a.printJSON(entryJSON(entry))
		}
		return a.printValue(entry.Data)
	})
}

// configSet is "docent config set".
type configSet struct {
	Path    string `arg:"" name:"PATH" help:"The key, as an absolute path."`
	Value   string `arg:"" name:"VALUE" allowempty:"" help:"The new value; - reads it from standard input. A value that begins with - goes after --."`
	Create  bool   `help:"Create the key, and its parents, if they do not exist."`
	Version *int32 `placeholder:"N" help:"Write only if the key has this version. Default: any."`
	Keep    *int   `placeholder:"N" help:"Keep the last N values, including this one, for history and rollback."`
}

// Help is shown by "docent config set --help".
func (configSet) Help() string {
	return `Prints the key's new version. Without --create the key must exist. With --version the write is a compare-and-set: ` +
		`the exit code is 1 if the key has another version. With --keep the value is also written into the key's history, in ` +
		`the same transaction.` + "\n\n" +
		`Example: docent config set /config/limits - --create < limits.json`
}

// Run writes the value.
func (c *configSet) Run(ctx context.Context, a *app) error {
	task := "config set " + c.Path
	version := session.AnyVersion
	switch {
	case c.Version != nil && c.Create:
		return usagef("config set: --version and --create exclude each other: a new key has no version to compare; give one of them")
	case c.Version != nil && *c.Version < 0:
		return usagef("config set: --version %d is negative; leave it out to overwrite any version", *c.Version)
	case c.Version != nil:
		version = *c.Version
	}
	if c.Keep != nil {
		if err := checkKeep("config set", *c.Keep); err != nil {
			return err
		}
	}
	if err := withTask(task, checkPath(c.Path)); err != nil {
		return err
	}
	data := []byte(c.Value)
	if c.Value == "-" {
		var err error
		if data, err = io.ReadAll(a.stdin); err != nil {
			return withTask(task, fmt.Errorf("read the value from standard input: %w", err))
		}
	}
	return a.withStore(ctx, task, c.Path, func(ctx context.Context, _ *session.Manager, s *config.Store) error {
		var entry config.Entry
		err := a.once(ctx, func(ctx context.Context) (err error) {
			entry, err = c.write(ctx, s, data, version)
			return err
		})
		switch {
		case errors.Is(err, session.ErrNoNode) && !c.Create:
			return &taskError{task: task, err: err, hint: "create it with --create"}
		case err != nil:
			return err
		}
		return printVersion(a, c.Path, entry.Version)
	})
}

// write sets the key. With --create it also creates it.
func (c *configSet) write(ctx context.Context, s *config.Store, data []byte, version int32) (config.Entry, error) {
	switch {
	case c.Keep != nil && c.Create:
		return s.History(*c.Keep).Put(ctx, c.Path, data)
	case c.Keep != nil:
		return s.History(*c.Keep).Set(ctx, c.Path, data, version)
	case c.Create:
		return s.Put(ctx, c.Path, data)
	}
	return s.Set(ctx, c.Path, data, version)
}

// configDelete is "docent config delete".
type configDelete struct {
	Path    string `arg:"" name:"PATH" help:"The key, as an absolute path."`
	Version *int32 `placeholder:"N" help:"Delete only if the key has this version. Default: any."`
}

// Run deletes the key.
func (c *configDelete) Run(ctx context.Context, a *app) error {
	version := session.AnyVersion
	if c.Version != nil {
		if version = *c.Version; version < 0 {
			return usagef("config delete: --version %d is negative; leave it out to delete any version", version)
		}
	}
	return a.withStore(ctx, "config delete "+c.Path, c.Path, func(ctx context.Context, sm *session.Manager, s *config.Store) error {
		err := a.once(ctx, func(ctx context.Context) error { return s.Delete(ctx, c.Path, version) })
		if errors.Is(err, session.ErrNotEmpty) {
			err = c.occupied(ctx, a, sm, err)
		}
		if err != nil || !a.globals.JSON {
			return err
		}
		return a.printJSON(struct {
			Path    string `json:"path"`
			Deleted bool   `json:"deleted"`
		}{c.Path, true})
	})
}

// occupied returns the error for a node that has children, with one of their
// names. They may belong to another recipe.
func (c *configDelete) occupied(ctx context.Context, a *app, sm *session.Manager, err error) error {
	var names []string
	listed := a.once(ctx, func(ctx context.Context) (err error) {
		names, _, err = sm.Children(ctx, c.Path)
		return err
	})
	if listed != nil || len(names) == 0 {
		return err // it says that there are children
	}
	children := fmt.Sprintf("%d children, such as", len(names))
	if len(names) == 1 {
		children = "a child,"
	}
	return &taskError{
		task: "config delete " + c.Path,
		err:  fmt.Errorf(`the znode has %s "%s"`, children, oneLine(slices.Min(names))),
		hint: fmt.Sprintf(`see what they are with "docent inspect %s"`, c.Path),
	}
}

// withStore connects, and runs f on a store of the whole tree.
func (a *app) withStore(ctx context.Context, task, path string,
	f func(context.Context, *session.Manager, *config.Store) error) error {
	if err := withTask(task, checkPath(path)); err != nil {
		return err
	}
	return a.withTree(ctx, task, path, f)
}

// withTree is withStore for a directory of keys, which may be the root.
func (a *app) withTree(ctx context.Context, task, path string,
	f func(context.Context, *session.Manager, *config.Store) error) error {
	if err := withTask(task, checkTree(path)); err != nil {
		return err
	}
	sm, err := a.connect(ctx)
	if err != nil {
		return withTask(task, err)
	}
	err = f(ctx, sm, config.NewStore(sm, "/"))
	return errors.Join(withTask(task, err), sm.Close())
}

// valueJSON is one state of a key. Value is set if the bytes are UTF-8, and
// Base64 otherwise, since JSON has no other bytes.
type valueJSON struct {
	Path    string  `json:"path"`
	Deleted bool    `json:"deleted,omitempty"`
	Value   *string `json:"value,omitempty"`
	Base64  []byte  `json:"base64,omitempty"` // encoding/json encodes it
	Version *int32  `json:"version,omitempty"`
	Zxid    int64   `json:"zxid,omitempty"`
	Time    string  `json:"time,omitempty"`
}

func (v *valueJSON) set(data []byte) {
	if !utf8.Valid(data) {
		v.Base64 = data
		return
	}
	text := string(data)
	v.Value = &text
}

func entryJSON(e config.Entry) valueJSON {
	v := valueJSON{Path: e.Path, Version: &e.Version, Zxid: e.Zxid, Time: timestamp(e.ModTime)}
	v.set(e.Data)
	return v
}

package main

import (
	"context"
	"errors"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// configWatch is "docent config watch".
type configWatch struct {
	Path string `arg:"" name:"PATH" help:"The key, as an absolute path."`
	watchCmd
}

// Lines of a watch that are not values.
const (
	lineMissing = "-- no such znode --"
	lineDeleted = "-- deleted --"
)

// Help is shown by "docent config watch --help".
func (configWatch) Help() string {
	return `Prints the present value, and then the newest value after every change, one line each. A backslash is written as ` +
		`two, a line feed as \n, a carriage return as \r, a tab as \t, and a byte that cannot be printed as \x and two digits. ` +
		`The line "` + lineMissing + `" says that the key does not exist yet, "` + lineDeleted + `" that it was deleted. A fast ` +
		`series of changes may skip values, but never the last. With --json each line is an object with path, value (or ` +
		`base64), version, zxid and time, or with path and "deleted". The watch goes on through lost servers and sessions, ` +
		`until SIGINT or SIGTERM end it with exit code 0.` + watchCmdHelp
}

// Run prints the value and its changes.
func (c *configWatch) Run(ctx context.Context, a *app) error {
	task := "config watch " + c.Path
	if err := withTask(task, checkPath(c.Path)); err != nil {
		return err
	}
	return a.whileWatching(ctx, task, c.Path, &c.watchCmd, func(ctx context.Context, sm *session.Manager, cmd *cmdRunner) (err error) {
		if err := a.noteMissing(ctx, task, sm, c.Path); err != nil {
			return err
		}
		var value *config.Value[[]byte]
		err = a.once(ctx, func(ctx context.Context) (err error) {
			value, err = config.Open(ctx, sm, c.Path, config.Bytes(), config.Default[[]byte](nil))
			return err
		})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, value.Close()) }()
		if err := value.Err(); err != nil {
			return err
		}
		return a.withSilenceWarnings(ctx, task, sm, func() error { return c.follow(ctx, a, task, value, cmd) })
	})
}

func (c *configWatch) follow(ctx context.Context, a *app, task string, value *config.Value[[]byte], cmd *cmdRunner) error {
	missing := lineMissing
	var last *config.Snapshot[[]byte]
	for snap, err := range value.Changes(ctx) {
		if err != nil {
			a.note("%v", withTask(task, err))
			cmd.unknown()
			continue
		}
		if cmd == nil && last != nil && last.Exists == snap.Exists && last.Zxid == snap.Zxid {
			continue // an error is over, and the value is the same
		}
		last = snap
		if err := c.show(a, snap, missing, cmd); err != nil {
			return err
		}
		missing = lineDeleted
	}
	return nil
}

// show gives CMD the value, or prints it.
func (c *configWatch) show(a *app, snap *config.Snapshot[[]byte], missing string, cmd *cmdRunner) error {
	v := valueJSON{Path: c.Path, Deleted: true}
	if snap.Exists {
		v = valueJSON{Path: c.Path, Version: &snap.Version, Zxid: snap.Zxid, Time: timestamp(snap.ModTime)}
		v.set(snap.Value)
	}
	switch {
	case cmd != nil:
		return cmd.state(v)
	case a.globals.JSON:
		return a.printJSON(v)
	case !snap.Exists:
		return a.printf("%s\n", missing)
	}
	return a.printf("%s\n", oneLine(string(snap.Value)))
}

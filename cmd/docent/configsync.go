package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/docent-go/docent/cmd/docent/internal/child"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// configSync is "docent config sync".
type configSync struct {
	Path   string        `arg:"" name:"PATH" help:"The key, as an absolute path."`
	File   string        `arg:"" name:"FILE" help:"The file that is kept equal to the key."`
	Cmd    []string      `arg:"" optional:"" name:"CMD" help:"A command to run after each change of the file, with its arguments, after --."`
	Check  string        `placeholder:"CMD" help:"A command line for sh that checks each new value before the file gets it. DOCENT_FILE is a copy of the new file. If the command fails, the file keeps the old value."`
	Tree   bool          `help:"Keep the directory FILE equal to all keys below PATH."`
	Remove bool          `help:"Remove the file when the key is deleted, or with --tree all files when PATH is. Default: they keep the last values."`
	Grace  time.Duration `default:"5s" needs:"CMD" help:"Time between SIGTERM and SIGKILL for a CMD that still runs when docent ends."`
	cmdAuth
}

// Help is shown by "docent config sync --help".
func (configSync) Help() string {
	return `Writes the key to the file, now and after every change, until SIGINT or SIGTERM end it with exit code 0. The file is ` +
		`replaced as a whole, never written in part, and never gets an older value. It keeps its mode; a new file has mode ` +
		`0600. After each change CMD runs, with DOCENT_PATH, DOCENT_FILE and DOCENT_ZXID in its environment. Of the changes ` +
		`while CMD runs, only the last is written. If CMD or a later write fails, docent prints a line on standard error; ` +
		`it tries the write again. If the first write fails, the exit code is 1.` + "\n\n" +
		`With --check, a command checks each new value before it replaces the file. DOCENT_FILE is then a copy of the new file, ` +
		`with the same name, in a directory of its own. If the command fails, the file keeps the old value, CMD does not run, ` +
		`and docent prints a line on standard error. The output of the command goes to standard error too.` + "\n\n" +
		`With --tree it keeps a directory equal to all keys below PATH, with the files of "docent config export". The directory must be new, ` +
		`empty, or written by an earlier --tree of the same PATH. Each file is replaced as a whole. The file of a deleted key is ` +
		`removed. If PATH does not exist, the files stay without --remove. CMD runs after all files of a change are written.` + "\n\n" +
		`Example: docent config sync /config/limits limits.json --check 'jq . "$DOCENT_FILE"' -- systemctl reload api`
}

// Run keeps the file equal to the key.
func (c *configSync) Run(ctx context.Context, a *app) error {
	if c.Tree && c.Check != "" {
		return usagef("config sync: --check is for one file; leave out --tree, or let CMD check the directory")
	}
	task := "config sync " + c.Path
	check := checkPath
	if c.Tree {
		check = checkTree
	}
	if err := withTask(task, check(c.Path)); err != nil {
		return err
	}
	if err := lookCmd(task, c.Cmd); err != nil {
		return err
	}
	if c.Check != "" {
		if err := child.Look(checkShell); err != nil {
			return withTask(task, err)
		}
	}
	if c.Tree {
		return c.runTree(ctx, a, task)
	}
	return a.whileUninterrupted(ctx, task, func(ctx context.Context, sm *session.Manager) error { return c.follow(ctx, a, task, sm) })
}

// follow keeps the file equal to the key until ctx ends.
func (c *configSync) follow(ctx context.Context, a *app, task string, sm *session.Manager) error {
	if err := a.noteMissing(ctx, task, sm, c.Path); err != nil {
		return err
	}
	problem := func(err error) { a.note("%s: %s", task, reason(err)) }
	options := []config.FileOption{
		config.OnProblem(func(err error) {
			switch {
			case ctx.Err() != nil: // the interruption has ended a check
			case err == nil:
				a.note("%s: the file follows the key again", task)
			default:
				problem(err)
			}
		}),
		config.AfterChange(func(change config.FileChange) {
			if err := c.changed(ctx, a, change); err != nil && ctx.Err() == nil {
				problem(err)
			}
		}),
	}
	if c.Check != "" {
		options = append(options, config.CheckFile(func(data []byte) error { return c.check(ctx, a, data) }))
	}
	if c.Remove {
		options = append(options, config.RemoveWithKey())
	}
	// The error names the key, as task does.
	return a.withSilence(ctx, task, sm, "the file may be out of date", func() error {
		return errors.Unwrap(config.SyncFile(ctx, sm, c.Path, c.File, options...))
	})
}

// changed prints a change, and runs CMD.
func (c *configSync) changed(ctx context.Context, a *app, change config.FileChange) error {
	var err error
	switch {
	case a.globals.JSON:
		err = a.printJSON(struct {
			Path    string `json:"path"`
			File    string `json:"file"`
			Removed bool   `json:"removed,omitempty"`
			Version *int32 `json:"version,omitempty"`
			Zxid    int64  `json:"zxid,omitempty"`
		}{c.Path, c.File, change.Removed, unless(change.Removed, change.Version), change.Zxid})
	case change.Removed:
		err = a.printf("removed %s\n", c.File)
	default:
		err = a.printf("wrote %s, version %d\n", c.File, change.Version)
	}
	if err != nil || len(c.Cmd) == 0 {
		return err
	}
	out, err := c.runCmd(ctx, a, change.Zxid)
	switch {
	case err != nil:
		return err
	case out.Code != 0:
		return fmt.Errorf("CMD failed with code %d; the file has version %d, and CMD runs again after the next change",
			out.Code, change.Version)
	}
	return nil
}

// runCmd runs CMD until it ends, or ctx ends.
func (c *configSync) runCmd(ctx context.Context, a *app, zxid int64) (child.Outcome, error) {
	return child.Run(ctx, child.Command{
		Args:   c.Cmd,
		Env:    a.cmdEnv("DOCENT_PATH="+c.Path, "DOCENT_FILE="+c.File, "DOCENT_ZXID="+strconv.FormatInt(zxid, 10)),
		Stdout: a.stdout, Stderr: a.stderr, Grace: c.Grace,
	}, make(chan os.Signal))
}

// unless returns a pointer to value, or nil if JSON is to omit it.
func unless(leaveOut bool, value int32) *int32 {
	if leaveOut {
		return nil
	}
	return &value
}

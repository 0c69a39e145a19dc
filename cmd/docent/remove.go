package main

import (
	"context"
	"errors"

	"github.com/docent-go/docent/inspect"
)

// removeCommand is "docent remove".
type removeCommand struct {
	Path string `arg:"" name:"PATH" help:"A znode that docent inspect marks with a !, as an absolute path."`
}

// Help is shown by "docent remove --help".
func (removeCommand) Help() string {
	return `Deletes one znode that "docent inspect" marks as abandoned, and that no session owns. It reads the recipe again, and ` +
		`the servers delete the znode only if it is still the one that was read. An ephemeral znode always stays: it goes with ` +
		`its session, so end the process of that session. The exit code is 0 once the znode is deleted, and 1 if it is not ` +
		`marked, if a session owns it, or if it does not exist.` + "\n\n" +
		`No read can tell whether a program of another library still relies on the znode: look at it with "docent inspect" first.` +
		"\n\n" + `Example: docent remove /locks/orders/_c_6f1ed2a9-7d55-4c44-9e0b-3b0e1a6a2f35-lock-0000000004`
}

// Run deletes the znode.
func (c *removeCommand) Run(ctx context.Context, a *app) error {
	task := "remove " + c.Path
	if err := withTask(task, checkPath(c.Path)); err != nil {
		return err
	}
	sm, err := a.connect(ctx)
	if err != nil {
		return withTask(task, err)
	}
	err = a.once(ctx, func(ctx context.Context) error { return inspect.RemoveAbandoned(ctx, sm, c.Path) })
	switch {
	case err != nil:
	case a.globals.JSON:
		err = a.printJSON(struct {
			Path    string `json:"path"`
			Removed bool   `json:"removed"`
		}{c.Path, true})
	default:
		err = a.printf("removed %s\n", oneLine(c.Path))
	}
	return errors.Join(withTask(task, err), sm.Close())
}

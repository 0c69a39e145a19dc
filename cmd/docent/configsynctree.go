package main

import (
	"context"
	"fmt"
	"time"

	"github.com/docent-go/docent/cmd/docent/internal/treefile"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/base/problem"
	"github.com/docent-go/docent/session"
)

// runTree keeps a directory equal to a tree.
func (c *configSync) runTree(ctx context.Context, a *app, task string) error {
	mirror, err := treefile.OpenMirror(c.File, c.Path)
	if err != nil {
		return withTask(task, err)
	}
	return a.whileUninterrupted(ctx, task, func(ctx context.Context, sm *session.Manager) error {
		if err := a.noteMissing(ctx, task, sm, c.Path); err != nil {
			return err
		}
		tree, err := a.openTree(ctx, sm, c.Path, treeLimits{})
		if err != nil {
			return err
		}
		defer func() { _ = tree.Close() }() // never fails
		a.noteForeign(task, tree.Load())
		return a.withSilenceWarnings(ctx, task, sm, func() error { return c.followTree(ctx, a, task, tree, mirror) })
	})
}

// followTree applies each state of the tree. It fails if the first cannot be
// applied.
func (c *configSync) followTree(ctx context.Context, a *app, task string, tree *config.Tree[[]byte], mirror *treefile.Mirror) error {
	report := problem.To(func(err error) {
		if err == nil {
			a.note("%s: the directory follows the tree again", task)
			return
		}
		a.note("%s: %s", task, nodeReason(err))
	})
	first := true
	for _, unreadable := range tree.Changes(ctx) {
		for failures := 0; ; failures++ {
			skipped, err := c.apply(ctx, a, task, tree.Load(), mirror)
			if err != nil && first {
				return err
			}
			report.Report(oneline.Join(unreadable, skipped, err))
			if err == nil {
				break
			}
			select {
			case <-time.After(pauseAfter(failures)):
			case <-ctx.Done():
				return nil
			}
		}
		first = false
	}
	return nil
}

// apply makes the directory equal to a snapshot, and runs CMD if that has
// changed a file. Without the tree the directory stays, unless --remove is given.
func (c *configSync) apply(ctx context.Context, a *app, task string, snap *config.TreeSnapshot[[]byte], mirror *treefile.Mirror) (skipped, err error) {
	if !snap.Exists && !c.Remove {
		return nil, nil
	}
	t := treeOf(c.Path, snap)
	changed, skipped, err := mirror.Apply(t)
	if err != nil {
		return skipped, fmt.Errorf("write the directory: %w", err)
	}
	if !changed {
		return skipped, nil
	}
	if a.globals.JSON {
		err = a.printJSON(struct {
			Path string `json:"path"`
			File string `json:"file"`
			Keys int    `json:"keys"`
			Zxid int64  `json:"zxid"`
		}{c.Path, c.File, snap.Len(), t.Zxid})
	} else {
		err = a.printf("wrote %s, %d keys\n", oneLine(c.File), snap.Len())
	}
	if err != nil || len(c.Cmd) == 0 {
		return skipped, err
	}
	out, err := c.runCmd(ctx, a, t.Zxid)
	switch {
	case err != nil && ctx.Err() == nil:
		a.note("%s: %s", task, reason(err))
	case out.Code != 0 && ctx.Err() == nil:
		a.note("%s: CMD failed with code %d; the directory has the keys, and CMD runs again after the next change", task, out.Code)
	}
	return skipped, nil
}

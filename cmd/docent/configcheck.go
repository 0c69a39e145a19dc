package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/docent-go/docent/cmd/docent/internal/child"
)

// checkShell runs the command line of --check.
const checkShell = "sh"

// check runs --check on a new value, before the value replaces the file. The
// command finds the value in a file of the same name, in a directory of its own.
// The directory is private, because a value may be secret.
func (c *configSync) check(ctx context.Context, a *app, data []byte) (err error) {
	dir, err := os.MkdirTemp("", "docent-check-")
	if err != nil {
		return fmt.Errorf("make a directory for --check: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, filepath.Base(c.File))
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return fmt.Errorf("write the value for --check: %w", err)
	}
	out, err := child.Run(ctx, child.Command{
		Args:   []string{checkShell, "-c", c.Check},
		Env:    a.cmdEnv("DOCENT_PATH="+c.Path, "DOCENT_FILE="+file),
		Stdout: a.stderr, Stderr: a.stderr, Grace: c.Grace,
	}, make(chan os.Signal))
	switch {
	case err != nil:
		return fmt.Errorf("--check: %w", err)
	case out.Code != 0:
		return fmt.Errorf("--check failed with code %d; %s stays as it is, and --check runs again after the next change", out.Code, c.File)
	}
	return nil
}

package main

import (
	"context"

	"github.com/docent-go/docent/cmd/docent/internal/demo"
)

// demoCommand is "docent demo".
type demoCommand struct{}

// Help is shown by "docent demo --help".
func (demoCommand) Help() string {
	return `Needs no other server. The demo checks every claim that it makes. A claim that does not hold ends it with exit code ` +
		`1. With --json each line is an object with seconds, chapter, event, who and text.`
}

// Run plays all chapters.
func (demoCommand) Run(ctx context.Context, a *app) error {
	return withTask("demo", demo.Run(ctx, a.stdout, a.globals.JSON))
}

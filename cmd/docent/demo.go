package main

import (
	"context"

	"github.com/docent-go/docent/cmd/docent/internal/demo"
)

// demoCommand is "docent demo".
type demoCommand struct{}

// Help is shown by "docent demo --help".
func (demoCommand) Help() string {
	return `Needs nothing: the server is embedded. Every claim is checked as it is made; one that does not hold ends the story ` +
		`with exit code 1. With --json each line is an object with seconds, chapter, event, who and text.`
}

// Run tells the story.
func (demoCommand) Run(ctx context.Context, a *app) error {
	return during("demo", demo.Run(ctx, a.stdout, a.globals.JSON))
}

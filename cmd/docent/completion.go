package main

import (
	"github.com/alecthomas/kong"

	"github.com/docent-go/docent/cmd/docent/internal/reference"
)

// completionCommand is "docent completion".
type completionCommand struct {
	Shell string `arg:"" name:"SHELL" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is shown by "docent completion --help".
func (completionCommand) Help() string {
	return `Prints a script with which the shell completes commands and flags. bash: source <(docent completion bash); ` +
		`zsh: source <(docent completion zsh) after compinit, or write it to a file _docent in a directory of $fpath; fish: docent completion fish | source.`
}

// Run prints the script.
func (c *completionCommand) Run(a *app, parsed *kong.Context) error {
	write := map[string]func(*app, *kong.Application) error{
		"bash": func(a *app, model *kong.Application) error { return reference.Bash(a.stdout, model) },
		"zsh":  func(a *app, model *kong.Application) error { return reference.Zsh(a.stdout, model) },
		"fish": func(a *app, model *kong.Application) error { return reference.Fish(a.stdout, model) },
	}
	return withTask("completion", write[c.Shell](a, parsed.Model))
}

// manCommand is "docent man".
type manCommand struct{}

// Help is shown by "docent man --help".
func (manCommand) Help() string {
	return `Prints the manual page: docent man > /usr/local/share/man/man1/docent.1. To read it: docent man | man -l -`
}

// Run prints the page.
func (manCommand) Run(a *app, parsed *kong.Context) error {
	return withTask("man", reference.Man(a.stdout, parsed.Model))
}

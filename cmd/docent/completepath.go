package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/session"
)

// completePathCommand is "docent complete-path", which the completion scripts
// call. It prints the paths of znodes that begin with WORD.
//
// A user who presses the tabulator has not run anything yet. So docent is
// silent about every failure, and answers within completionTime. It sends the
// credentials of the environment only to the servers of the environment. It
// reads no descriptor, whose content could be read only once. Anyone may choose the name of
// a znode, and the shell puts it into a command line: a name with another
// character than safeName knows is left out.
type completePathCommand struct {
	Word string `arg:"" optional:"" name:"WORD" help:"The beginning of a path."`
}

// completionTime limits the whole command.
var completionTime = time.Second

// maxOffers is how many paths are printed at most.
const maxOffers = 1000

// silent is a command that reports no failure, and reads no descriptor.
type silent interface{ silent() }

func (completePathCommand) silent() {}

// quiet runs f for a command. A silent one prints nothing on standard error,
// and its exit code is 0.
func (a *app) quiet(command *kong.Context, f func() error) error {
	if _, ok := command.Selected().Target.Addr().Interface().(silent); !ok {
		return f()
	}
	a.stderr = io.Discard
	if !a.globals.readsDescriptor() {
		_ = f() // the user has only pressed a key
	}
	return nil
}

// Run prints the paths.
func (c *completePathCommand) Run(ctx context.Context, a *app, command *kong.Context) error {
	g := a.globals
	if typed(command, "servers") {
		if !typed(command, "auth-file") {
			g.Auth = ""
		}
		if !typed(command, "sasl-user") {
			g.SASLUser = ""
		}
	}
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	g.ConnectTimeout, g.Timeout = completionTime, 4*time.Second
	sm, err := a.connect(ctx, func(cfg *session.Config) { cfg.Logger = nil })
	if err != nil {
		return err
	}
	paths, err := offers(ctx, sm, c.Word)
	for _, path := range paths {
		if err == nil {
			err = a.printf("%s\n", path)
		}
	}
	return errors.Join(err, sm.Close())
}

// offers returns the paths that begin with the word. If the word is the only
// one, they are the paths below it.
func offers(ctx context.Context, sm *session.Manager, word string) ([]string, error) {
	slash := strings.LastIndexByte(word, '/')
	if slash < 0 {
		return nil, fmt.Errorf("%q does not begin a path", word)
	}
	paths, err := childrenOf(ctx, sm, word[:slash], word[slash+1:])
	if err != nil || len(paths) != 1 || paths[0] != word {
		return paths, err
	}
	below, err := childrenOf(ctx, sm, word, "")
	if err != nil || len(below) == 0 {
		return paths, nil // it may have no children, or hide them
	}
	return below, nil
}

// childrenOf returns the paths below dir whose names begin with a prefix.
func childrenOf(ctx context.Context, sm *session.Manager, dir, prefix string) ([]string, error) {
	at := dir
	if at == "" {
		at = "/"
	} else if err := znode.Validate(dir); err != nil {
		return nil, err
	}
	names, _, err := sm.Children(ctx, at)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, name := range names {
		if strings.HasPrefix(name, prefix) && safeName(name) {
			paths = append(paths, dir+"/"+name)
		}
	}
	slices.Sort(paths)
	return paths[:min(len(paths), maxOffers)], nil
}

// safeName reports whether a name means itself in a command line of every
// shell.
func safeName(name string) bool {
	return strings.IndexFunc(name, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_.+@,", r))
	}) < 0
}

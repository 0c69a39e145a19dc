package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/docent-go/docent/zktest"
)

// devCommand is "docent dev".
type devCommand struct {
	Listen string `default:"127.0.0.1:2181" placeholder:"HOST:PORT" help:"Address to listen on; port 0 takes any that is free. Default: 127.0.0.1:2181."`
}

// Help is shown by "docent dev --help".
func (devCommand) Help() string {
	return `Speaks ZooKeeper's protocol to any client, starts at once, keeps everything in memory and forgets it at the end. ` +
		`It is for development and tests, never for production. Prints "listening on ADDR" when it is ready; SIGINT and ` +
		`SIGTERM end it with exit code 0.`
}

// Run serves until a signal comes.
func (c *devCommand) Run(ctx context.Context, a *app) error {
	if err := checkListen("dev", c.Listen); err != nil {
		return err
	}
	ctx, stop := a.untilInterrupted(ctx)
	defer stop()
	server, err := zktest.Start()
	if err != nil {
		return during("dev", err)
	}
	addr, err := server.Listen(c.Listen)
	if err != nil {
		return errors.Join(notListening("dev", c.Listen, err), server.Close())
	}
	a.note("dev: for development only: nothing is kept on disk, and anyone who can reach %s may do anything", addr)
	if err := c.ready(a, addr); err != nil {
		return errors.Join(err, server.Close())
	}
	<-ctx.Done()
	return server.Close()
}

func (c *devCommand) ready(a *app, addr string) error {
	if a.globals.JSON {
		return a.printJSON(struct {
			Listening string `json:"listening"`
		}{addr})
	}
	return a.printf("listening on %s\n", addr)
}

// notListening says why a command cannot listen.
func notListening(command, address string, err error) error {
	hint := "give another address with --listen"
	if errors.Is(err, syscall.EADDRINUSE) {
		hint = "another server runs there: use it, end it, or choose another port with --listen (0 takes any)"
	}
	return &taskError{task: fmt.Sprintf("%s: listen on %s", command, address), err: rootCause(err), hint: hint}
}

// rootCause returns the last error of a chain.
func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

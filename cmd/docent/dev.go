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
	Listen string `default:"127.0.0.1:2181" placeholder:"HOST:PORT" help:"Address to listen on. Port 0 chooses a free port. Default: 127.0.0.1:2181."`
	IKnow  bool   `name:"i-know" needs:"listen" help:"Allow an address that other machines can reach. Every client there may then do anything on the server."`
}

// Help is shown by "docent dev --help".
func (devCommand) Help() string {
	return `The server speaks ZooKeeper's protocol to any client. It keeps all data in memory and loses it at the end: use it ` +
		`for development and tests, never for production. It prints "listening on ADDR" when it is ready. SIGINT and SIGTERM ` +
		`end it with exit code 0.`
}

// Run serves until a signal arrives.
func (c *devCommand) Run(ctx context.Context, a *app) error {
	if err := checkAudience("dev", c.Listen, c.IKnow, "which could read and change all data"); err != nil {
		return err
	}
	ctx, stop := a.untilInterrupted(ctx)
	defer stop()
	server, err := zktest.Start()
	if err != nil {
		return withTask("dev", err)
	}
	addr, err := server.Listen(c.Listen)
	if err != nil {
		return errors.Join(notListening("dev", c.Listen, err), server.Close())
	}
	a.note("dev: for development only: no data is kept on disk, and every client that reaches %s may do anything", addr)
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

// notListening returns the error of a command that cannot listen.
func notListening(command, address string, err error) error {
	hint := "give another address with --listen"
	if errors.Is(err, syscall.EADDRINUSE) {
		hint = "another server listens there: use it, end it, or choose another port with --listen (0 for a free one)"
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

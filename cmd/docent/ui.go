package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/docent-go/docent/cmd/docent/internal/ui"
	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/internal/base/znode"
)

// uiCommand is "docent ui".
type uiCommand struct {
	Path         string `arg:"" name:"PATH" optional:"" default:"/" help:"The top of the tree. Default: /."`
	Listen       string `default:"127.0.0.1:8430" placeholder:"HOST:PORT" help:"Address to listen on. Port 0 chooses a free port. Default: 127.0.0.1:8430."`
	IKnow        bool   `name:"i-know" needs:"listen" help:"Allow an address that other machines can reach. Every viewer needs the token then."`
	Token        string `placeholder:"TOKEN" help:"A token that every viewer must give. Default: none on a loopback address, else a random token. Variable: DOCENT_UI_TOKEN. Other users of the machine can see a flag, but not the variable."`
	AllowActions bool   `help:"Let viewers drain instances and choose the next leader. Viewers confirm each action, and it is logged."`
	Limit        int    `placeholder:"N" help:"Read at most N znodes."`
}

// Help is shown by "docent ui --help".
func (uiCommand) Help() string {
	return `Serves a web page that shows what "docent inspect" prints, and follows every change. The page loads nothing from ` +
		`other servers, and changes nothing without --allow-actions. It prints "listening on URL" when it is ready. SIGINT and ` +
		`SIGTERM end it with exit code 0.` + "\n\n" +
		`Example: docent --servers zk1:2181 ui`
}

// every is the minimum time between two inspections. It is short enough to see
// each change of a lock's holder.
const every = 250 * time.Millisecond

// Run serves until a signal arrives.
func (c *uiCommand) Run(ctx context.Context, a *app) error {
	if err := znode.ValidateRoot(c.Path); err != nil {
		return withTask("ui "+c.Path, err)
	}
	options := []inspect.Option{inspect.Every(every)}
	if c.Limit != 0 {
		options = append(options, inspect.Limit(c.Limit))
	}
	if c.Limit < 0 {
		return usagef("ui: --limit %d is negative; give 1 or more", c.Limit)
	}
	hosts, err := c.audience()
	if err != nil {
		return err
	}
	ctx, stop := a.untilInterrupted(ctx)
	defer stop()
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return notListening("ui", c.Listen, err)
	}
	sm, err := a.connect(ctx)
	if err != nil {
		return errors.Join(listener.Close(), err)
	}
	server := ui.New(ui.Config{
		Manager: sm, Path: c.Path, Options: options, Token: c.Token, Hosts: hosts, AllowActions: c.AllowActions,
		Log: slog.New(slog.NewTextHandler(a.stderr, nil)),
	})
	if err := c.ready(a, listener.Addr().String()); err != nil {
		return errors.Join(err, listener.Close(), sm.Close())
	}
	return errors.Join(withTask("ui", server.Serve(ctx, listener)), sm.Close())
}

// audience checks the address to listen on, makes a token for an address that
// other machines can reach, and returns the host names that requests may use.
func (c *uiCommand) audience() ([]string, error) {
	if err := checkListen("ui", c.Listen); err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, err
	}
	ip, err := netip.ParseAddr(host)
	if host == "localhost" || err == nil && ip.IsLoopback() {
		return []string{"localhost", "127.0.0.1", "::1", strings.ToLower(host)}, nil
	}
	if !c.IKnow {
		return nil, usagef("ui: --listen %s can be reached by other machines, which could read all data in ZooKeeper; "+
			"listen on 127.0.0.1, or give --i-know", c.Listen)
	}
	if c.Token == "" {
		c.Token = rand.Text()
	}
	return nil, nil
}

func (c *uiCommand) ready(a *app, addr string) error {
	url := "http://" + addr + "/"
	if c.Token != "" {
		url += "?token=" + c.Token
	}
	if a.globals.JSON {
		return a.printJSON(struct {
			Listening string `json:"listening"`
		}{url})
	}
	return a.printf("listening on %s\n", url)
}

package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/docent-go/docent/cmd/docent/internal/ui"
	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/internal/base/hostport"
	"github.com/docent-go/docent/internal/base/znode"
)

// uiCommand is "docent ui".
type uiCommand struct {
	Path         string   `arg:"" name:"PATH" optional:"" default:"/" help:"The top of the tree. Default: /."`
	Listen       string   `default:"127.0.0.1:8430" placeholder:"HOST:PORT" help:"Address to listen on. Port 0 chooses a free port. Default: 127.0.0.1:8430."`
	IKnow        bool     `name:"i-know" needs:"listen" help:"Allow an address that other machines can reach."`
	Host         []string `sep:"none" placeholder:"NAME" help:"A further host name by which browsers call the page, such as the name of a proxy. Can be repeated. Default: only the address to listen on."`
	Token        string   `placeholder:"TOKEN" help:"The token that every viewer needs. Default: a random token, printed with the address. Variable: DOCENT_UI_TOKEN. Other users of the machine can see a flag, but not the variable."`
	TokenFile    string   `placeholder:"FILE" help:"Keep the tokens in this file, so that they outlive the process. If the file does not exist, docent creates it. The first line is the token to look, the second the token to act."`
	NoToken      bool     `help:"Need no token: every user and every program of this machine can then read what the credentials of docent can read. Only on a loopback address, and without --allow-actions."`
	AllowActions bool     `help:"Let viewers with the token to act: drain instances, choose the next leader, ask for locks, redrive and discard dead letters, lift gates, remove what is abandoned. Viewers confirm each action, and it is logged."`
	Limit        int      `placeholder:"N" help:"Read at most N znodes."`

	Redact string        `placeholder:"REGEXP" help:"Hide what this regular expression names: the value of a path that matches, and in other values the fields and lines that match. Default: passwords, secrets, tokens, credentials, and private, API and similar keys."`
	Held   time.Duration `default:"1h" help:"A lock that one client has had, or was in line for, for this time is a problem."`
	Waited time.Duration `default:"10m" help:"A lock that a client has waited for for this time is a problem."`
}

// Help is shown by "docent ui --help".
func (uiCommand) Help() string {
	return `Serves a web page that shows what "docent inspect" and "docent inspect --problems" print, and follows every change. It prints "listening on URL" when ` +
		`it is ready: open that URL, which has the token that every viewer needs. The page loads nothing from other servers, and ` +
		`changes nothing without --allow-actions, which prints a second URL, to act. SIGINT and SIGTERM end it with exit code 0.` + "\n\n" +
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
	var redact *regexp.Regexp // nil: the default
	if c.Redact != "" {
		var err error
		redact, err = regexp.Compile(c.Redact)
		if err != nil {
			return usagef("ui: --redact %q is not a regular expression: %v", c.Redact, err)
		}
	}
	if c.Held <= 0 || c.Waited <= 0 {
		return usagef("ui: --held and --waited must be more than zero; give a time such as 10m")
	}
	hosts, err := c.audience()
	if err != nil {
		return err
	}
	tokens, err := c.tokens()
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
		Manager: sm, Path: c.Path, Options: options, Thresholds: inspect.ProblemOptions{Held: c.Held, Waited: c.Waited},
		Redact: redact, Look: tokens.look, Act: tokens.act,
		LookGiven: tokens.lookGiven, ActGiven: tokens.actGiven, Hosts: hosts,
		Log: slog.New(slog.NewTextHandler(visibleWriter{a.stderr}, nil)),
	})
	if err := c.ready(a, listener.Addr(), tokens); err != nil {
		return errors.Join(err, listener.Close(), sm.Close())
	}
	return errors.Join(withTask("ui", server.Serve(ctx, listener)), sm.Close())
}

// loopbackHosts are the names of this machine, for itself.
var loopbackHosts = []string{"localhost", "127.0.0.1", "::1"}

// audience checks the address to listen on, and returns the host names that
// requests may use.
func (c *uiCommand) audience() ([]string, error) {
	if err := checkListen("ui", c.Listen); err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, err
	}
	var hosts []string
	for _, name := range c.Host {
		parsed, port, err := hostport.Parse(name)
		if err != nil {
			return nil, usagef("ui: --host %q is not a host name: %v", name, err)
		}
		if port != 0 {
			return nil, usagef("ui: --host %q has a port; give the host name alone", name)
		}
		hosts = append(hosts, strings.ToLower(parsed))
	}
	ip, err := netip.ParseAddr(host)
	loopback := host == "localhost" || err == nil && ip.IsLoopback()
	switch {
	case !loopback && c.NoToken:
		return nil, usagef("ui: --no-token, but --listen %s can be reached by other machines, which could read all data in ZooKeeper; "+
			"listen on 127.0.0.1, or leave --no-token out", c.Listen)
	case !loopback && !c.IKnow:
		return nil, usagef("ui: --listen %s can be reached by other machines; listen on 127.0.0.1, or give --i-know", c.Listen)
	case loopback || host == "" || err == nil && ip.IsUnspecified():
		hosts = append(hosts, loopbackHosts...)
	}
	if host != "" {
		hosts = append(hosts, strings.ToLower(host))
	}
	return hosts, nil
}

// ready prints the addresses to open.
func (c *uiCommand) ready(a *app, addr net.Addr, tokens uiTokens) error {
	look, act := c.url(addr, tokens.look, tokens.lookGiven), ""
	if tokens.act != "" {
		act = c.url(addr, tokens.act, tokens.actGiven)
	}
	switch {
	case c.NoToken:
		a.note("ui: no token is needed: every user of this machine can read what docent can read")
	case c.TokenFile != "":
		a.note("ui: the tokens are in %s: add ?token=TOKEN to the address", c.TokenFile)
	case tokens.lookGiven:
		a.note("ui: the token is the one that was given: add ?token=TOKEN to the address")
	}
	if a.globals.JSON {
		return a.printJSON(struct {
			Listening string `json:"listening"`
			Act       string `json:"act,omitempty"`
		}{look, act})
	}
	if err := a.printf("listening on %s\n", look); err != nil || act == "" {
		return err
	}
	return a.printf("to act, open %s\n", act)
}

// url returns the address for a token. It leaves out a token that the user has
// already.
func (c *uiCommand) url(addr net.Addr, token string, known bool) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String() // not of TCP
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	if len(c.Host) > 0 {
		host = strings.Trim(c.Host[0], "[]")
	}
	url := "http://" + strings.Replace(net.JoinHostPort(host, port), "%", "%25", 1) + "/" // the zone of an IPv6 address
	if token != "" && !known {
		url += "?token=" + token
	}
	return url
}

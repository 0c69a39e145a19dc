package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docent-go/docent/session"
)

// statusCommand is "docent status".
type statusCommand struct{}

// Help is shown by "docent status --help".
func (statusCommand) Help() string {
	return `Asks each server of --servers, and prints whether it serves, its mode, version, zxid and connections, and how fast it ` +
		`answers. It has a quorum check a znode, which changes nothing: so "quorum yes" was true at the time it names. It also ` +
		`prints a session as docent has it, who the servers take it for, and its rights on the root. A name with several ` +
		`addresses counts as several servers.` + "\n\n" +
		`The mode and the numbers are a server's answer to the four-letter word srvr, which a server answers unless its ` +
		`4lw.commands.whitelist leaves it out. The exit code is 0 if all servers serve, 1 if there is a quorum without some of ` +
		`them, and 69 without a quorum. It takes --connect-timeout at most.` + "\n\n" +
		`Example: docent status --servers zk1,zk2,zk3 --connect-timeout 2s`
}

// Run asks all servers at once.
func (c *statusCommand) Run(ctx context.Context, a *app) error {
	cfg, err := a.globals.config(a)
	if err != nil {
		return err
	}
	cfg.Directories = session.IgnoreExposed
	within, cancel := context.WithTimeout(ctx, a.globals.ConnectTimeout)
	defer cancel()
	s := &ensembleStatus{root: cfg.Root}
	for _, server := range cfg.Servers {
		s.servers = append(s.servers, addressesOf(within, a, server)...)
	}
	var asked sync.WaitGroup
	for _, server := range s.servers {
		asked.Go(func() { server.ask(within, a, cfg, s) })
	}
	asked.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if a.globals.JSON {
		err = a.printJSON(s.json())
	} else {
		err = a.printf("%s", s.text(time.Now()))
	}
	return cmp.Or(err, withTask("status", s.failure(a)))
}

// ensembleStatus is what all servers have answered.
type ensembleStatus struct {
	root    string
	servers []*serverStatus
	tell    sync.Once // the first server that has proved a quorum tells the rest
	session *sessionStatus
}

// sessionStatus is a session as docent has it, on one of the servers.
type sessionStatus struct {
	id         session.ID
	server     string
	timeout    time.Duration
	identities []session.Identity
	unknown    string // why there are no identities
	rights     rights
}

// addressesOf returns a server for each address of a name. A name that does not
// resolve is a server that is away.
func addressesOf(ctx context.Context, a *app, server string) []*serverStatus {
	host, port, err := net.SplitHostPort(server)
	if err != nil || a.dial != nil || net.ParseIP(host) != nil {
		return []*serverStatus{{name: server, address: server}}
	}
	found, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil || len(found) == 0 {
		return []*serverStatus{{name: server, address: server, problem: fmt.Sprintf("the name does not resolve (%v)", err)}}
	}
	var all []*serverStatus
	slices.Sort(found)
	for _, ip := range slices.Compact(found) {
		all = append(all, &serverStatus{name: server, address: net.JoinHostPort(ip, port)})
	}
	return all
}

// quorum returns the newest proof of a quorum, or zero.
func (s *ensembleStatus) quorum() (at time.Time) {
	for _, server := range s.servers {
		if server.confirmed.After(at) {
			at = server.confirmed
		}
	}
	return at
}

// failure is the error of a status that is not well.
func (s *ensembleStatus) failure(a *app) error {
	var away []string
	for _, server := range s.servers {
		if !server.serves() {
			away = append(away, server.label())
		}
	}
	switch {
	case len(away) == 0:
		return nil
	case len(away) < len(s.servers):
		does := "do"
		if len(away) == 1 {
			does = "does"
		}
		return &taskError{task: "status", err: fmt.Errorf("%d of %d servers %s not serve: %s", len(away), len(s.servers), does, strings.Join(away, ", ")),
			hint: "check that it runs and reaches the others"}
	}
	for _, server := range s.servers {
		if errors.Is(server.err, session.ErrAuth) {
			return a.unreachable(server.err)
		}
	}
	reachable := slices.ContainsFunc(s.servers, func(server *serverStatus) bool { return server.reachable })
	text := fmt.Sprintf("%s within %v", noServer, a.globals.ConnectTimeout)
	if reachable {
		text = fmt.Sprintf("no quorum has answered within %v, although a server can be reached", a.globals.ConnectTimeout)
	}
	return &noQuorumError{text}
}

// noQuorumError says that no quorum has answered.
type noQuorumError struct{ text string }

func (e *noQuorumError) Error() string {
	return e.text + "; check --servers, and that a majority of the servers runs"
}

func (e *noQuorumError) Unwrap() error { return session.ErrUnreachable }

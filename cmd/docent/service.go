package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/hostport"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// serviceCommand is "docent service".
type serviceCommand struct {
	Register serviceRegister `cmd:"" help:"Register an instance of a service until interrupted."`
	List     serviceList     `cmd:"" help:"Print the instances of a service, or the services."`
	Watch    serviceWatch    `cmd:"" help:"Print the instances of a service, and then every change."`
	Pick     servicePick     `cmd:"" help:"Print the address of one instance."`
	Drain    serviceDrain    `cmd:"" help:"Have an instance get no new calls."`
}

// registryFlags say where services are and how instances are written.
type registryFlags struct {
	Base  string `placeholder:"PATH" help:"The node below which services lie: /services, or /dubbo with --codec dubbo."`
	Codec string `enum:"curator,spring,dubbo" default:"curator" help:"How instances are written: curator, spring or dubbo."`
}

func (f registryFlags) registry(sm *session.Manager) *naming.Registry {
	opts := []naming.Option{naming.WithCodec(f.codec())}
	if f.Base != "" {
		opts = append(opts, naming.Base(f.Base))
	}
	return naming.New(sm, opts...)
}

func (f registryFlags) codec() naming.Codec {
	switch f.Codec {
	case "spring":
		return naming.Spring()
	case "dubbo":
		return naming.Dubbo()
	}
	return naming.Curator()
}

// check refuses what no service can be called, before anything is connected to.
func (f registryFlags) check(service string) error {
	codec := f.codec()
	base := f.Base
	if base == "" {
		base = codec.Base()
	}
	if err := checkPath(base); err != nil {
		return err
	}
	if _, err := codec.Dir(base, service); err != nil {
		return usagef("%v", err)
	}
	return nil
}

// serviceRegister is "docent service register".
type serviceRegister struct {
	registryFlags
	Name   string   `arg:"" name:"NAME" help:"The service."`
	ID     string   `arg:"" name:"ID" help:"The instance's name, which no other of the service may have."`
	Addr   string   `arg:"" name:"ADDR" help:"Where it can be reached, as HOST:PORT or HOST; an IPv6 address stands in brackets."`
	Meta   metadata `placeholder:"K=V" help:"What else there is to say of it; may be given several times."`
	Weight int      `placeholder:"N" help:"Its share of calls, relative to the others."`
}

// Help is shown by "docent service register --help".
func (serviceRegister) Help() string {
	return `Prints "registered PATH" once the instance stands, "out: REASON" when it does not any more, for instance because the ` +
		`session was lost, and "registered" again when it does. It stays until SIGINT or SIGTERM, which unregister it and end ` +
		`the command with exit code 0. Where the id is taken it waits for one and a half session timeouts, for as long as a ` +
		`process that crashed can seem to be alive, and then fails with exit code 1. With --codec dubbo the id is not used: ` +
		`Dubbo makes its own. With --json each line is an object with in, service, id, path, token and session, or with in ` +
		`and why.` + "\n\n" + `Example: docent service register orders "$(hostname)" 10.0.0.7:8080 --meta zone=a`
}

func (c *serviceRegister) instance() (naming.Instance, error) {
	in := naming.Instance{Service: c.Name, ID: c.ID, Metadata: c.Meta, Weight: c.Weight}
	var err error
	if in.Address, in.Port, err = hostport.Parse(c.Addr); err != nil {
		return in, usagef("the address %q: %v", c.Addr, err)
	}
	if _, _, err := c.codec().Encode(in); err != nil {
		return in, usagef("%v", err)
	}
	return in, nil
}

// Run registers and stays.
func (c *serviceRegister) Run(ctx context.Context, a *app) error {
	task := fmt.Sprintf("service register %s %s", oneLine(c.Name), oneLine(c.ID))
	in, err := c.instance()
	if err == nil {
		err = c.check(c.Name)
	}
	if err != nil {
		return during(task, err)
	}
	return a.whileUninterrupted(ctx, task, func(ctx context.Context, sm *session.Manager) error {
		g, err := c.register(ctx, a, sm, in)
		if errors.Is(err, naming.ErrDuplicate) {
			return &taskError{task: task, err: err, hint: "choose another id, or end the other process"}
		}
		if err != nil {
			return err
		}
		// Closing the session would do, but not where the connection is away
		// for a moment: then the instance would stay until the session expires.
		defer func() {
			within, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.globals.ConnectTimeout)
			defer cancel()
			if err := g.Unregister(within); err != nil {
				a.note("%s: %s", task, reason(err))
			}
		}()
		for state, err := range g.Changes(ctx) {
			if err == nil {
				err = c.print(a, g, state)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// register gives a predecessor that crashed the time to go, and the server that
// to answer.
func (c *serviceRegister) register(ctx context.Context, a *app, sm *session.Manager, in naming.Instance) (*naming.Registration, error) {
	s, err := sm.Session(ctx)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, a.globals.ConnectTimeout+2*s.Timeout)
	defer cancel()
	g, err := c.registry(sm).Register(within, in)
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		err = a.unreachable(err)
	}
	return g, err
}

func (c *serviceRegister) print(a *app, g *naming.Registration, state naming.State) error {
	switch {
	case a.globals.JSON:
		line := registrationJSON{In: state.In, Service: c.Name, ID: g.Instance().ID, Path: g.Path()}
		if state.In {
			line.Token, line.Session = state.Token, fmt.Sprintf("0x%x", state.Session)
		} else {
			line.Why = reason(state.Why)
		}
		return a.printJSON(line)
	case state.In:
		return a.printf("registered %s\n", oneLine(g.Path()))
	}
	return a.printf("out: %s\n", reason(state.Why))
}

// registrationJSON is one state of a registration.
type registrationJSON struct {
	In      bool   `json:"in"`
	Service string `json:"service"`
	ID      string `json:"id"`
	Path    string `json:"path"`
	Token   int64  `json:"token,omitempty"`
	Session string `json:"session,omitempty"` // hexadecimal, as ZooKeeper's tools print it
	Why     string `json:"why,omitempty"`
}

// serviceDrain is "docent service drain".
type serviceDrain struct {
	registryFlags
	Name string `arg:"" name:"NAME" help:"The service."`
	ID   string `arg:"" name:"ID" help:"The instance, as list prints it."`
	Undo bool   `help:"Take the mark back."`
}

// Help is shown by "docent service drain --help".
func (serviceDrain) Help() string {
	return `Marks an instance of any process as draining: balancers pick it no more, and it works off what it has. The mark ` +
		`lasts until it is taken back with --undo, or until the instance's own process updates it or registers it anew, as it ` +
		`does after a lost session. It cannot be done with --codec dubbo, where everything is in the node's name.`
}

// Run sets or removes the mark.
func (c *serviceDrain) Run(ctx context.Context, a *app) error {
	task := fmt.Sprintf("service drain %s %s", oneLine(c.Name), oneLine(c.ID))
	if err := during(task, c.check(c.Name)); err != nil {
		return err
	}
	sm, err := a.connect(ctx)
	if err != nil {
		return during(task, err)
	}
	err = a.once(ctx, func(ctx context.Context) error {
		return c.registry(sm).SetDraining(ctx, c.Name, c.ID, !c.Undo)
	})
	return errors.Join(during(task, err), sm.Close())
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/docent-go/docent/internal/base/hostport"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// serviceCommand is "docent service".
type serviceCommand struct {
	Register serviceRegister `cmd:"" help:"Register an instance of a service until interrupted."`
	List     serviceList     `cmd:"" help:"Print the instances of a service, or all services."`
	Watch    serviceWatch    `cmd:"" help:"Print the instances of a service, and then every change."`
	Pick     servicePick     `cmd:"" help:"Print the address of one instance."`
	Drain    serviceDrain    `cmd:"" help:"Mark an instance so that it gets no new calls."`
}

// registryFlags say where services are, and in which layout their instances
// are.
type registryFlags struct {
	Base   string `placeholder:"PATH" help:"The parent znode of the services. Default: /services, or /dubbo with --layout dubbo."`
	Layout string `enum:"curator,spring,dubbo,dubbo-application" default:"curator" help:"Layout of the instances: curator, spring, dubbo (interfaces) or dubbo-application."`
}

func (f registryFlags) registry(sm *session.Manager) *naming.Registry {
	opts := []naming.Option{naming.Layout(f.codec())}
	if f.Base != "" {
		opts = append(opts, naming.Base(f.Base))
	}
	return naming.NewRegistry(sm, opts...)
}

func (f registryFlags) codec() naming.Codec {
	switch f.Layout {
	case "spring":
		return naming.Spring()
	case "dubbo":
		return naming.Dubbo()
	case "dubbo-application":
		return naming.DubboApplication()
	}
	return naming.Curator()
}

// dir returns the directory of a service.
func (f registryFlags) dir(service string) (string, error) {
	return f.codec().Dir(cmp.Or(f.Base, f.codec().Base()), service)
}

// check rejects invalid names of services before docent connects.
func (f registryFlags) check(task, service string) error {
	if err := checkPath(cmp.Or(f.Base, f.codec().Base())); err != nil {
		return withTask(task, err)
	}
	if err := checkText(task, "NAME", service); err != nil {
		return err
	}
	if _, err := f.dir(service); err != nil {
		return usagef("%s: %v", task, err)
	}
	return nil
}

// serviceRegister is "docent service register".
type serviceRegister struct {
	registryFlags
	Name   string   `arg:"" name:"NAME" help:"The service."`
	ID     string   `arg:"" name:"ID" help:"The instance's id, which no other instance of the service may have."`
	Addr   string   `arg:"" name:"ADDR" help:"The instance's address, as HOST:PORT or HOST. Write an IPv6 address in brackets."`
	Meta   metadata `placeholder:"K=V" help:"Metadata of the instance; may be given several times."`
	Weight *int     `placeholder:"N" help:"The instance's share of calls, relative to other instances."`
}

// Help is shown by "docent service register --help".
func (serviceRegister) Help() string {
	return `Prints "registered PATH" once the instance is registered. It prints "out: REASON" when the instance is out, for ` +
		`instance after a lost session, and "registered" again when it is back. SIGINT and SIGTERM unregister the instance and ` +
		`end the command with exit code 0, or with 128+n, after signal n, if it has never been in. If another instance has the id, docent waits for one and a half session timeouts: a ` +
		`crashed process keeps its id for that long. Then it fails with exit code 1. With --layout dubbo the id is not used: ` +
		`Dubbo makes its own. With --json each line is an object with in, service, id, path, token and session, or with in, ` +
		`service, id, path and why.` + "\n\n" + `Example: docent service register orders "$(hostname)" 10.0.0.7:8080 --meta zone=a`
}

func (c *serviceRegister) instance() (naming.Instance, error) {
	in := naming.Instance{Service: c.Name, ID: c.ID, Metadata: c.Meta}
	if c.Weight != nil {
		if in.Weight = *c.Weight; in.Weight < 1 || in.Weight > naming.MaxWeight {
			return in, usagef("service register: --weight %d is out of range; give 1 to %d", in.Weight, naming.MaxWeight)
		}
	}
	if err := checkText("service register", "ID", c.ID); err != nil {
		return in, err
	}
	var err error
	if in.Address, in.Port, err = hostport.Parse(c.Addr); err != nil {
		return in, usagef("service register: the address %q: %v", c.Addr, err)
	}
	if err := in.CheckAddress(); err != nil {
		return in, usagef("service register: %v", err)
	}
	if _, _, err := c.codec().Encode(in); err != nil {
		if key, advice := c.reserved(in, err); key != "" {
			return in, usagef("service register: --meta %s=%s: the key is reserved; %s", key, c.Meta[key], advice)
		}
		return in, usagef("service register: %v", err)
	}
	return in, nil
}

// reservedKeys are the keys of metadata that hold fields of an instance in some
// layout, and what to do instead of setting them with --meta.
var reservedKeys = map[string]string{
	"weight":          "give --weight",
	"draining":        "mark the instance with \"docent service drain\" once it is registered",
	"instance_status": "mark the instance with \"docent service drain\" once it is registered",
	"enabled":         "leave it out: docent sets it itself",
	"disabled":        "leave it out: docent sets it itself",
	"dynamic":         "leave it out: docent sets it itself",
	"timestamp":       "leave it out: docent sets it itself",
}

// reserved returns the key of --meta for which the layout rejects the instance,
// and what to do. It returns "" if err has another reason.
func (c *serviceRegister) reserved(in naming.Instance, err error) (key, advice string) {
	for _, key := range slices.Sorted(maps.Keys(c.Meta)) {
		advice, known := reservedKeys[key]
		if !known {
			continue
		}
		in.Metadata = maps.Clone(c.Meta)
		delete(in.Metadata, key)
		if _, _, without := c.codec().Encode(in); without == nil || without.Error() != err.Error() {
			return key, advice
		}
	}
	return "", ""
}

// Run registers the instance until it is interrupted.
func (c *serviceRegister) Run(ctx context.Context, a *app) error {
	task := fmt.Sprintf("service register %s %s", oneLine(c.Name), oneLine(c.ID))
	in, err := c.instance()
	if err == nil {
		err = c.check(task, c.Name)
	}
	if err != nil {
		return withTask(task, err)
	}
	path, err := c.path(in)
	if err != nil {
		return withTask(task, err)
	}
	register := func(ctx context.Context, sm *session.Manager) (*naming.Registration, error) {
		return enter(ctx, a, task, path, sm, func(ctx context.Context) (*naming.Registration, error) {
			return c.registry(sm).Register(ctx, in)
		})
	}
	return whilePresent(ctx, a, task, register, func(ctx context.Context, g *naming.Registration) error {
		line := func() (presenceJSON, string) {
			return presenceJSON{Service: c.Name, ID: g.Instance().ID, Path: g.Path()}, "registered " + oneLine(g.Path())
		}
		return a.stay(task, g.Changes(ctx), line, func() error {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.globals.ConnectTimeout)
			defer cancel()
			return g.Unregister(ctx)
		})
	})
}

// path returns the path of the instance's znode.
func (c *serviceRegister) path(in naming.Instance) (string, error) {
	dir, err := c.dir(in.Service)
	if err != nil {
		return "", err
	}
	name, _, err := c.codec().Encode(in)
	return dir + "/" + name, err
}

// serviceDrain is "docent service drain".
type serviceDrain struct {
	registryFlags
	Name string `arg:"" name:"NAME" help:"The service."`
	ID   string `arg:"" name:"ID" help:"The instance, as list prints it."`
	Undo bool   `help:"Remove the mark."`
}

// Help is shown by "docent service drain --help".
func (serviceDrain) Help() string {
	return `Marks an instance of any process as draining: balancers no longer pick it, once they have read the mark a moment later, and it completes the calls that it has. ` +
		`The mark lasts until --undo removes it, or until the instance's own process updates or registers the instance again, ` +
		`as it does after a lost session. --layout dubbo cannot drain, since a Dubbo instance is the name of a znode.`
}

// Run sets or removes the mark.
func (c *serviceDrain) Run(ctx context.Context, a *app) error {
	task := fmt.Sprintf("service drain %s %s", oneLine(c.Name), oneLine(c.ID))
	if err := cmp.Or(c.check(task, c.Name), checkName(task, "ID", c.ID)); err != nil {
		return err
	}
	sm, err := a.connect(ctx)
	if err != nil {
		return withTask(task, err)
	}
	err = a.once(ctx, func(ctx context.Context) error {
		return c.registry(sm).SetDraining(ctx, c.Name, c.ID, !c.Undo)
	})
	if errors.Is(err, session.ErrNoNode) {
		err = &taskError{task: task, err: errors.New("the service has no such instance"), hint: `list the instances with "docent service list"`}
	}
	return errors.Join(withTask(task, err), sm.Close())
}

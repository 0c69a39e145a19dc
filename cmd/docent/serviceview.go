package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"

	"github.com/docent-go/docent/internal/base/visible"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// serviceList is "docent service list".
type serviceList struct {
	registryFlags
	Name string `arg:"" optional:"" name:"NAME" help:"The service. Default: list all services."`
}

// Help is shown by "docent service list --help".
func (serviceList) Help() string {
	return `Prints one line for each instance, sorted by id, with tabs between the id, the address and the marks. The marks ` +
		`"draining" and "disabled" say that balancers do not pick the instance, "tls" that the port is an SSL port. Without NAME ` +
		`it prints the names of the services. For each znode that is not an instance it prints a line on standard error. With ` +
		`--json each line is an object with service, id, address, port and the other fields of the instance.`
}

// Run prints the instances.
func (c *serviceList) Run(ctx context.Context, a *app) error {
	task := "service list"
	if c.Name == "" {
		return a.withRegistry(ctx, task, c.registryFlags, "any", func(ctx context.Context, sm *session.Manager, r *naming.Registry) error {
			return c.printServices(ctx, a, sm, r)
		})
	}
	task += " " + oneLine(c.Name)
	return a.withService(ctx, task, c.registryFlags, c.Name, func(s *naming.Service, orMissing func() error) error {
		view := s.View()
		if view.Len() == 0 && len(view.Problems) == 0 {
			return orMissing()
		}
		for _, problem := range view.Problems {
			a.note("%s: %s", task, nodeReason(problem))
		}
		for in := range view.All() {
			if err := a.printInstance("", &in); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *serviceList) printServices(ctx context.Context, a *app, sm *session.Manager, r *naming.Registry) error {
	names, err := r.Services(ctx)
	if err == nil && len(names) == 0 {
		err = orMissing(ctx, sm, r.Base())
	}
	for _, name := range names {
		switch {
		case err != nil:
			return err
		case a.globals.JSON:
			err = a.printJSON(struct {
				Service string `json:"service"`
			}{name})
		default:
			err = a.printf("%s\n", oneLine(name))
		}
	}
	return err
}

// serviceWatch is "docent service watch".
type serviceWatch struct {
	registryFlags
	Name string `arg:"" name:"NAME" help:"The service."`
	watchCmd
}

// Help is shown by "docent service watch --help".
func (serviceWatch) Help() string {
	return `Prints "added ID" for each instance, and then "added ID", "updated ID" or "removed ID" for each change. The rest of ` +
		`the line is as "docent service list" prints it. "no instances" says that the service has no instance. "stale: REASON" ` +
		`says that ZooKeeper does not answer, and that the instances may have changed; "current" that a quorum answers again. A ` +
		`fast series of changes may be skipped, but never the last. With --json each line is an object with event ("added", ` +
		`"updated", "removed", "empty", "stale", "current"). The watch goes on through lost servers and sessions, until SIGINT ` +
		`or SIGTERM end it with exit code 0.` + watchCmdHelp +
		" The state is an object with service and instances, the objects of \"docent --json service list\"."
}

// Run prints the instances and their changes.
func (c *serviceWatch) Run(ctx context.Context, a *app) error {
	task := "service watch " + oneLine(c.Name)
	if err := c.check(task, c.Name); err != nil {
		return err
	}
	dir, err := c.dir(c.Name)
	if err != nil {
		return withTask(task, err)
	}
	return a.whileWatching(ctx, task, dir, &c.watchCmd, func(ctx context.Context, sm *session.Manager, cmd *cmdRunner) error {
		if err := a.noteMissing(ctx, task, sm, dir); err != nil {
			return err
		}
		s, err := c.registry(sm).Open(ctx, c.Name, naming.ProtectEmpty(0))
		if err != nil {
			return err
		}
		defer s.Close()
		stale := false
		for change, err := range s.Changes(ctx) {
			switch {
			case errors.Is(err, session.ErrClosed):
				return err
			case err != nil:
				a.problem(task, err)
				continue
			}
			show := func() error { return c.print(a, change, stale) }
			if cmd != nil {
				show = func() error { return c.give(a, task, change, stale, cmd) }
			}
			if err := show(); err != nil {
				return err
			}
			stale = change.Stale
		}
		return nil
	})
}

// give gives CMD the instances, unless they may have changed.
func (c *serviceWatch) give(a *app, task string, change naming.Change, stale bool, cmd *cmdRunner) error {
	switch {
	case change.Stale:
		if !stale {
			a.note("%s: stale: %s", task, reason(change.Err))
		}
		cmd.unknown()
		return nil
	case stale:
		a.note("%s: current", task)
	}
	s := serviceJSON{Service: c.Name, Instances: make([]instanceJSON, 0, change.Len())}
	for in := range change.All() {
		s.Instances = append(s.Instances, instanceOf("", &in))
	}
	if change.LeftOut.Znodes > 0 {
		s.LeftOut = &change.LeftOut
	}
	return cmd.state(s)
}

// serviceJSON is the state of a service.
type serviceJSON struct {
	Service   string           `json:"service"`
	Instances []instanceJSON   `json:"instances"`
	LeftOut   *session.LeftOut `json:"leftOut,omitempty"` // what the limits leave out of the instances
}

func (c *serviceWatch) print(a *app, change naming.Change, stale bool) error {
	for i := range change.Events {
		e := &change.Events[i]
		if err := a.printInstance(e.Kind.String(), &e.Instance); err != nil {
			return err
		}
	}
	switch {
	case change.Stale && !stale:
		return a.printMark("stale", reason(change.Err))
	case stale && !change.Stale:
		return a.printMark("current", "")
	case change.Len() == 0:
		return a.printMark("empty", "")
	}
	return nil
}

// printMark prints an event of the whole service.
func (a *app) printMark(event, why string) error {
	switch {
	case a.globals.JSON:
		return a.printJSON(struct {
			Event string `json:"event"`
			Why   string `json:"why,omitempty"`
		}{event, why})
	case event == "empty":
		return a.printf("no instances\n")
	case why != "":
		return a.printf("%s: %s\n", event, visible.Line(why))
	}
	return a.printf("%s\n", event)
}

// servicePick is "docent service pick".
type servicePick struct {
	registryFlags
	Name     string `arg:"" name:"NAME" help:"The service."`
	Key      string `placeholder:"K" help:"A key that always gets the same instance, such as a client's address."`
	Strategy string `placeholder:"S" values:"round-robin,random,weighted,least-pending,hash,sticky" help:"round-robin, random, weighted, least-pending, hash or sticky. Default: weighted, or hash with --key."`
}

// Help is shown by "docent service pick --help".
func (servicePick) Help() string {
	return `Prints the address of one instance that is neither disabled nor draining. With --key the same key gets the same ` +
		`instance, as long as that is registered. The exit code is 1 if there is no instance. With --json it prints the object ` +
		`of "docent service list".` +
		"\n\n" + `Example: curl "http://$(docent service pick orders)/"`
}

// Run prints an address.
func (c *servicePick) Run(ctx context.Context, a *app) error {
	task := "service pick " + oneLine(c.Name)
	name := c.Strategy
	if name == "" {
		name = "weighted"
		if c.Key != "" {
			name = "hash"
		}
	}
	strategy, err := naming.ParseStrategy(name)
	if err != nil {
		return usagef("service pick: --strategy %q is unknown; use round-robin, random, weighted, least-pending, hash or sticky", name)
	}
	if c.Key != "" && name != "hash" && name != "sticky" {
		return usagef("service pick: --key has an effect only with --strategy hash or sticky; give one of them, or leave --key out")
	}
	return a.withService(ctx, task, c.registryFlags, c.Name, func(s *naming.Service, orMissing func() error) error {
		balancer := naming.NewBalancer(s, strategy)
		picked, err := balancer.Pick(c.Key)
		// A balancer also picks instances with a URI and no address to print.
		for tried := []string(nil); err == nil && !a.globals.JSON && picked.Item.CheckAddress() != nil; {
			tried = append(tried, picked.Item.ID)
			picked.Done(nil)
			picked, err = balancer.PickOther(c.Key, tried...)
		}
		if errors.Is(err, naming.ErrNoInstance) {
			err = cmp.Or(orMissing(), err)
		}
		if err != nil {
			return err
		}
		defer picked.Done(nil)
		if picked.Item.Port == 0 && picked.Item.SSLPort != 0 {
			a.note("%s: the instance has only an SSL port; call it with TLS", task)
		}
		if a.globals.JSON {
			return a.printInstance("", picked.Item)
		}
		return a.printf("%s\n", oneLine(picked.Item.HostPort()))
	})
}

// withRegistry connects and runs f once.
func (a *app) withRegistry(ctx context.Context, task string, flags registryFlags, service string,
	f func(context.Context, *session.Manager, *naming.Registry) error) error {
	if err := flags.check(task, service); err != nil {
		return err
	}
	sm, err := a.connect(ctx)
	if err != nil {
		return withTask(task, err)
	}
	err = a.once(ctx, func(ctx context.Context) error {
		r := flags.registry(sm)
		// The sync makes earlier registrations visible on our server.
		if err := sm.Sync(ctx, r.Base()); err != nil {
			return err
		}
		return f(ctx, sm, r)
	})
	return errors.Join(withTask(task, err), sm.Close())
}

// withService runs f on the present instances of a service. If f finds none,
// orMissing returns an error if the service does not exist.
func (a *app) withService(ctx context.Context, task string, flags registryFlags, name string,
	f func(s *naming.Service, orMissing func() error) error) error {
	return a.withRegistry(ctx, task, flags, name, func(ctx context.Context, sm *session.Manager, r *naming.Registry) error {
		dir, err := flags.dir(name)
		if err != nil {
			return err
		}
		s, err := r.Open(ctx, name)
		if err != nil {
			return err
		}
		defer s.Close()
		return f(s, func() error { return orMissing(ctx, sm, dir) })
	})
}

// nodeReason is reason, with the path of the znode that is the cause.
func nodeReason(err error) string {
	if path := causeNode(err); path != "" {
		return oneLine(path) + ": " + reason(err)
	}
	return reason(err)
}

// causeNode returns the path of the znode that is missing, or whose ACL denies
// access, or "".
func causeNode(err error) string {
	var op *session.OpError
	for inner := err; errors.As(inner, &op); inner = op.Err {
		// The innermost error has the path of the node itself.
	}
	if op == nil || !errors.Is(err, session.ErrNoAuth) && !errors.Is(err, session.ErrNoNode) {
		return ""
	}
	return op.Path
}

// printInstance prints an instance, after its event unless that is empty.
func (a *app) printInstance(event string, in *naming.Instance) error {
	if a.globals.JSON {
		return a.printJSON(instanceOf(event, in))
	}
	line := oneLine(in.ID)
	if event != "" {
		line = event + " " + line
	}
	if event != naming.Removed.String() {
		line += "\t" + oneLine(in.HostPort())
		switch {
		case in.Disabled:
			line += "\tdisabled"
		case in.Draining:
			line += "\tdraining"
		}
		if in.Port == 0 && in.SSLPort != 0 {
			line += "\ttls"
		}
	}
	return a.printf("%s\n", line)
}

// instanceJSON is one instance.
type instanceJSON struct {
	Event      string            `json:"event,omitempty"`
	Service    string            `json:"service"`
	ID         string            `json:"id"`
	Address    string            `json:"address"`
	Port       int               `json:"port,omitempty"`
	SSLPort    int               `json:"sslPort,omitempty"`
	URI        string            `json:"uri,omitempty"`
	Type       string            `json:"type"`
	Registered string            `json:"registered,omitempty"`
	Weight     int               `json:"weight,omitempty"`
	Draining   bool              `json:"draining,omitempty"`
	Disabled   bool              `json:"disabled,omitempty"`
	Metadata   map[string]string `json:"metadata,omitempty"`
	Payload    json.RawMessage   `json:"payload,omitempty"`
}

func instanceOf(event string, in *naming.Instance) instanceJSON {
	line := instanceJSON{
		Event: event, Service: in.Service, ID: in.ID, Address: in.Address, Port: in.Port, SSLPort: in.SSLPort, URI: in.URI(),
		Type: in.Type.String(), Weight: in.Weight, Draining: in.Draining, Disabled: in.Disabled, Metadata: in.Metadata, Payload: in.Payload,
	}
	if !in.Registered.IsZero() {
		line.Registered = timestamp(in.Registered)
	}
	return line
}

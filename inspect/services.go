package inspect

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/docent-go/docent/naming"
)

// service recognises a directory of instances in the JSON of Curator's
// ServiceInstance, which Docent and Spring Cloud write too. A node whose data is
// not known counts as an instance among instances. Other nodes are findings
// themselves.
func (c *classifier) service(n *node) Finding {
	if n.shape != shapePlain || len(n.kids) == 0 {
		return nil
	}
	sure := false
	var instances []*node
	for _, k := range n.kids {
		switch {
		case !k.leaf():
			continue
		case k.hidden != "", k.withoutData(): // it may be an instance
		case isInstance(k.data):
			sure = true
		default: // an instance, if the directory has one for certain
			if _, err := naming.Curator().Decode(n.name, k.name, k.data); err != nil {
				continue
			}
		}
		instances = append(instances, k)
	}
	if !sure {
		return nil
	}
	f := &Service{Header: headerAs(KindService, n), Name: n.name}
	f.Unread, f.Unrecognised = n.omitted, len(n.kids)-len(instances)
	for _, k := range instances {
		in := Instance{Owner: c.owner(k)}
		in.ID, in.Host, in.PID, in.Layout = k.name, "", 0, layoutOfInstance(k)
		if d, err := codecOf(in.Layout).Decode(n.name, k.name, k.data); err == nil {
			in.Address, in.Port, in.SSLPort, in.Disabled, in.Draining = d.Address, d.Port, d.SSLPort, d.Disabled, d.Draining
			if d.Type == naming.Dynamic && k.lasting() {
				f.Abandoned = append(f.Abandoned, Mark{k.path, "it is registered as a dynamic instance, but " + reasonNoSession})
			}
		}
		f.Instances = append(f.Instances, in)
		c.take(k)
	}
	f.Layouts = layoutsIn(f.Instances, func(in Instance) Layout { return in.Layout })
	return f
}

func codecOf(l Layout) naming.Codec {
	if l == Spring {
		return naming.Spring()
	}
	return naming.Curator()
}

// layoutOfInstance returns the layout of an instance, or "" if its data is not
// known.
func layoutOfInstance(n *node) Layout {
	switch {
	case n.hidden != "", n.withoutData():
		return ""
	case strings.Contains(string(n.data), "org.springframework.cloud.zookeeper"):
		return Spring
	}
	return Curator
}

// isInstance reports whether the data has the fields that every writer of a
// ServiceInstance writes.
func isInstance(data []byte) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return false
	}
	for _, field := range []string{"name", "id", "address", "port", "registrationTimeUTC"} {
		if _, ok := fields[field]; !ok {
			return false
		}
	}
	return true
}

// dubboMark is "://" as Dubbo escapes it in the name of a provider's node.
const dubboMark = "%3A%2F%2F"

// dubbo recognises a service of Dubbo's registry.
func (c *classifier) dubbo(n *node) Finding {
	if n.shape != shapePlain {
		return nil
	}
	providers := n.kid("providers")
	known := false
	for _, category := range []string{"providers", "consumers"} {
		if k := n.kid(category); k != nil {
			known = known || slices.ContainsFunc(k.names, func(name string) bool { return strings.Contains(name, dubboMark) })
		}
	}
	if !known {
		return nil
	}
	f := &Service{Header: headerAs(KindService, n), Name: n.name}
	f.Layouts = []Layout{Dubbo}
	if name, err := url.QueryUnescape(n.name); err == nil {
		f.Name = name
	}
	for _, category := range []string{"providers", "consumers", "configurators", "routers"} {
		k := n.kid(category)
		if k == nil {
			continue
		}
		c.take(k)
		c.take(k.kids...)
		if k == providers {
			f.Unread = k.omitted
			f.Instances = c.dubboInstances(f.Name, k.kids)
		} else if len(k.names) > 0 {
			f.Notes = append(f.Notes, category+": "+strconv.Itoa(len(k.names)))
		}
	}
	return f
}

func (c *classifier) dubboInstances(service string, kids []*node) []Instance {
	var all []Instance
	for _, k := range kids {
		in := Instance{Owner: c.owner(k)}
		in.ID, in.Layout = k.name, Dubbo
		if d, err := naming.Dubbo().Decode(service, k.name, k.data); err == nil {
			in.Address, in.Port, in.Disabled, in.Draining = d.Address, d.Port, d.Disabled, d.Draining
		}
		all = append(all, in)
	}
	return all
}

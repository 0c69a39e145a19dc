package naming_test

import (
	"fmt"
	"strings"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

const orders = "/services/orders"

func registry(p *testworld.Process, opts ...naming.Option) *naming.Registry {
	return naming.NewRegistry(p.Manager, opts...)
}

// at is an instance of the service orders.
func at(id, address string) naming.Instance {
	return naming.Instance{Service: "orders", ID: id, Address: address, Port: 80}
}

func register(p *testworld.Process, in naming.Instance, opts ...naming.RegisterOption) *naming.Registration {
	p.W.Helper()
	g, err := registry(p).Register(p.W.Context(), in, opts...)
	require.NoError(p.W, err)
	return g
}

func watch(p *testworld.Process, opts ...naming.OpenOption) *naming.Service {
	p.W.Helper()
	s, err := registry(p).Open(p.W.Context(), "orders", opts...)
	require.NoError(p.W, err)
	p.W.Cleanup(func() { _ = s.Close() })
	return s
}

// show prints instances as "id=address", and appends "~" to one that drains.
func show(all []naming.Instance) string {
	var texts []string
	for _, in := range all {
		text := in.ID + "=" + in.Address
		if in.Draining {
			text += "~"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, " ")
}

// showView is show with the marks: "?" for stale, "!" for protected.
func showView(v *naming.View) string {
	return show(v.Instances()) + marks(v)
}

func marks(v *naming.View) string {
	text := ""
	if v.Stale {
		text += "?"
	}
	if v.Protected {
		text += "!"
	}
	return text
}

// settled returns the instances that the service shows once all is quiet.
func settled(s *naming.Service) string {
	time.Sleep(time.Second)
	synctest.Wait()
	return showView(s.View())
}

var signs = map[naming.EventKind]string{naming.Added: "+", naming.Removed: "-", naming.Updated: "~"}

// observer records what Changes yields: events in brackets, then the marks, "E"
// for an error.
type observer struct {
	*testworld.Observer[naming.Change]
}

func observe(w *testworld.World, s *naming.Service) observer {
	return observer{testworld.Observe(w, s.Changes, func(change naming.Change, err error) string {
		if err != nil {
			return "E"
		}
		var events []string
		for _, e := range change.Events {
			events = append(events, signs[e.Kind]+e.Instance.ID)
		}
		return fmt.Sprint(events) + marks(change.View)
	})}
}

// take returns what was yielded since its last call, once there was time to see
// everything.
func (o observer) take() string {
	time.Sleep(2 * time.Second)
	return o.Take()
}

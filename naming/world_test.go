package naming_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/zktest"
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

// sever cuts the process off until the server has expired its session.
func sever(p *testworld.Process) {
	p.W.Helper()
	s := p.Current()
	p.Link.Cut(zktest.Both)
	<-s.Done()
	time.Sleep(s.Timeout())
}

var signs = map[naming.EventKind]string{naming.Added: "+", naming.Removed: "-", naming.Updated: "~"}

// observer writes down what Changes yields: events in brackets, then the marks,
// "E" for an error.
type observer struct {
	mu   sync.Mutex
	seen []string
	errs []error
	over chan struct{}
}

func observe(w *testworld.World, s *naming.Service) *observer {
	ctx, cancel := context.WithCancel(w.Context())
	o := &observer{over: make(chan struct{})}
	w.Cleanup(func() {
		cancel()
		<-o.over
	})
	go func() {
		defer close(o.over)
		for change, err := range s.Changes(ctx) {
			text := "E"
			if err == nil {
				var events []string
				for _, e := range change.Events {
					events = append(events, signs[e.Kind]+e.Instance.ID)
				}
				text = fmt.Sprint(events) + marks(change.View)
			}
			o.mu.Lock()
			o.seen = append(o.seen, text)
			if err != nil {
				o.errs = append(o.errs, err)
			}
			o.mu.Unlock()
		}
	}()
	return o
}

// take returns what was yielded since its last call.
func (o *observer) take() string {
	time.Sleep(2 * time.Second)
	synctest.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := strings.Join(o.seen, " ")
	o.seen = nil
	return seen
}

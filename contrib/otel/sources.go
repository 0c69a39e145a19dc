package docentotel

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
)

// Queue has the methods of *queue.Queue that a Telemetry calls. ctx
// bounds the requests.
type Queue interface {
	// Status counts the items.
	Status(ctx context.Context) (queue.Status, error)
	// List has the waiting items, first come first.
	List(ctx context.Context) iter.Seq2[queue.Entry, error]
}

// Service has the method of *naming.Service that a Telemetry calls.
type Service interface{ View() *naming.View }

// Queue counts the items of a queue at each collection, until stop is called. A
// collection costs the four requests of queue.Status and of the first item of
// queue.List, and lists the whole queue: let one process per queue do it. The
// context of the collection bounds the requests. name is the value of the
// attribute docent.name. Queue returns an error if the name is empty or used
// already, or if there are too many names.
func (t *Telemetry) Queue(name string, q Queue) (stop func(), err error) {
	return enlist(t, t.queues, "queue", name, q)
}

// Service counts the instances of a service at each collection, until stop is
// called. It costs no request. name is the value of the attribute docent.name.
// Service returns an error if the name is empty or used already, or if there
// are too many names.
func (t *Telemetry) Service(name string, s Service) (stop func(), err error) {
	return enlist(t, t.services, "service", name, s)
}

// enlist adds a source to those that are asked at each collection.
func enlist[T any](t *Telemetry, to map[string]T, kind, name string, source T) (stop func(), err error) {
	if t.names.bounded(name) != name {
		return nil, fmt.Errorf("docentotel: the name %q of the %s is empty or not UTF-8, or there are more than %d names; give another name", name, kind, MaxNames)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, found := to[name]; found {
		return nil, fmt.Errorf("docentotel: there is a %s %q already; give another name", kind, name)
	}
	to[name] = source
	return sync.OnceFunc(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(to, name)
	}), nil
}

// gauges are the instruments that are observed at each collection.
type gauges struct {
	items     metric.Int64ObservableGauge
	headAge   metric.Float64ObservableGauge
	instances metric.Int64ObservableGauge
	stale     metric.Int64ObservableGauge
	problems  metric.Int64ObservableGauge
}

func gaugesOf(m metric.Meter) gauges {
	gauge := func(name, unit, what string) metric.Int64ObservableGauge {
		g, err := m.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(what))
		return accepted[metric.Int64ObservableGauge](g, noop.Int64ObservableGauge{}, err)
	}
	age, err := m.Float64ObservableGauge("docent.queue.head.age", metric.WithUnit("s"),
		metric.WithDescription("Age of the first item of the queue; 0 if it is empty."))
	return gauges{
		items:     gauge("docent.queue.items", "{item}", "Items of a queue, by state."),
		headAge:   accepted[metric.Float64ObservableGauge](age, noop.Float64ObservableGauge{}, err),
		instances: gauge("docent.service.instances", "{instance}", "Instances of a service, by state."),
		stale:     gauge("docent.service.stale", "1", "1 while the instances of the service may be out of date."),
		problems:  gauge("docent.service.problems", "{problem}", "Znodes of the service that cannot be used, and other problems."),
	}
}

// observe asks the queues and services at each collection. A queue that cannot
// be read has no values, and the collection has its error.
func (t *Telemetry) observe(g gauges) {
	_, err := t.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		t.mu.Lock()
		queues, services := maps.Clone(t.queues), maps.Clone(t.services)
		t.mu.Unlock()
		for name, s := range services {
			g.service(o, name, s.View())
		}
		var work sync.WaitGroup
		var mu sync.Mutex
		var errs []error
		for name, q := range queues {
			work.Go(func() {
				status, age, err := ask(ctx, q)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					errs = append(errs, fmt.Errorf("queue %s: %w", name, err))
					return
				}
				g.queue(o, name, status, age)
			})
		}
		work.Wait()
		return errors.Join(errs...)
	}, g.items, g.headAge, g.instances, g.stale, g.problems)
	if err != nil {
		otel.Handle(err)
	}
}

// ask reads the state of a queue, and the age of its first item.
func ask(ctx context.Context, q Queue) (status queue.Status, age time.Duration, err error) {
	if status, err = q.Status(ctx); err == nil {
		age, err = headAge(ctx, q)
	}
	return status, age, err
}

func (g gauges) queue(o metric.Observer, name string, status queue.Status, age time.Duration) {
	named := nameKey.String(name)
	for state, n := range map[string]int{
		"ready": status.Ready, "delayed": status.Delayed, "claimed": status.Claimed, "dead": status.Dead,
	} {
		o.ObserveInt64(g.items, int64(n), metric.WithAttributes(named, stateKey.String(state)))
	}
	o.ObserveFloat64(g.headAge, age.Seconds(), metric.WithAttributes(named))
}

func (g gauges) service(o metric.Observer, name string, view *naming.View) {
	count := map[string]int64{"available": 0, "draining": 0, "disabled": 0}
	for in := range view.All() {
		switch {
		case in.Disabled:
			count["disabled"]++
		case in.Draining:
			count["draining"]++
		default:
			count["available"]++
		}
	}
	named := nameKey.String(name)
	for state, n := range count {
		o.ObserveInt64(g.instances, n, metric.WithAttributes(named, stateKey.String(state)))
	}
	stale := int64(0)
	if view.Stale {
		stale = 1
	}
	o.ObserveInt64(g.stale, stale, metric.WithAttributes(named))
	o.ObserveInt64(g.problems, int64(len(view.Problems)), metric.WithAttributes(named))
}

// headAge compares the clock of the ensemble's leader with this machine's.
func headAge(ctx context.Context, q Queue) (time.Duration, error) {
	for first, err := range q.List(ctx) {
		if err != nil {
			return 0, err
		}
		return max(0, time.Since(first.Put)), nil
	}
	return 0, nil
}

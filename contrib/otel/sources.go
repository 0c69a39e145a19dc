package docentotel

import (
	"context"
	"iter"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
)

// Queue has the methods of *queue.Queue that a Telemetry calls.
type Queue interface {
	// Status counts the items.
	Status(ctx context.Context) (queue.Status, error)
	// List has the waiting items, first come first.
	List(ctx context.Context) iter.Seq2[queue.Entry, error]
}

// Service has the method of *naming.Service that a Telemetry calls.
type Service interface{ View() *naming.View }

// Queue counts the items of a queue at each collection, until the registration
// is ended. A collection costs the four requests of queue.Status and of the
// first item of queue.List, and lists the whole queue: let one process per
// queue do it. The context of the collection bounds the requests. name is the
// value of the attribute docent.name. The error is an error of an instrument.
// Queue is safe for concurrent use.
func (t *Telemetry) Queue(name string, q Queue) (metric.Registration, error) {
	items, err := t.meter.Int64ObservableGauge("docent.queue.items", metric.WithUnit("{item}"),
		metric.WithDescription("Items of a queue, by state."))
	age, err2 := t.meter.Float64ObservableGauge("docent.queue.head.age", metric.WithUnit("s"),
		metric.WithDescription("Age of the first item of the queue; 0 if it is empty."))
	if err := join(err, err2); err != nil {
		return nil, err
	}
	return t.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		status, err := q.Status(ctx)
		if err != nil {
			return err // without values
		}
		named := nameKey.String(name)
		for state, n := range map[string]int{
			"ready": status.Ready, "delayed": status.Delayed, "claimed": status.Claimed, "dead": status.Dead,
		} {
			o.ObserveInt64(items, int64(n), metric.WithAttributes(named, stateKey.String(state)))
		}
		head, err := headAge(ctx, q)
		if err != nil {
			return err
		}
		o.ObserveFloat64(age, head.Seconds(), metric.WithAttributes(named))
		return nil
	}, items, age)
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

// Service counts the instances of a service at each collection, until the
// registration is ended. It costs no request. name is the value of the
// attribute docent.name. The error is an error of an instrument. Service is
// safe for concurrent use.
func (t *Telemetry) Service(name string, s Service) (metric.Registration, error) {
	gauge := func(name, unit, what string) (metric.Int64ObservableGauge, error) {
		return t.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(what))
	}
	instances, err := gauge("docent.service.instances", "{instance}", "Instances of a service, by state.")
	stale, err2 := gauge("docent.service.stale", "1", "1 while the instances of the service may be out of date.")
	problems, err3 := gauge("docent.service.problems", "{problem}", "Nodes of the service that cannot be used, and other problems.")
	if err := join(err, err2, err3); err != nil {
		return nil, err
	}
	return t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		view := s.View()
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
			o.ObserveInt64(instances, n, metric.WithAttributes(named, stateKey.String(state)))
		}
		old := int64(0)
		if view.Stale {
			old = 1
		}
		o.ObserveInt64(stale, old, metric.WithAttributes(named))
		o.ObserveInt64(problems, int64(len(view.Problems)), metric.WithAttributes(named))
		return nil
	}, instances, stale, problems)
}

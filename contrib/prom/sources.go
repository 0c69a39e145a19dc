package prom

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// Queue has the methods of *queue.Queue that a Collector calls. ctx
// bounds the requests.
type Queue interface {
	// Status counts the items.
	Status(ctx context.Context) (queue.Status, error)
	// List has the waiting items, first come first.
	List(ctx context.Context) iter.Seq2[queue.Entry, error]
}

// Service has the method of *naming.Service that a Collector calls.
type Service interface{ View() *naming.View }

// Queue counts the items of a queue in each scrape, until stop is called. A
// scrape costs the four requests of queue.Status and of the first item of
// queue.List, and lists the whole queue: let one process per queue do it.
// Timeout bounds the requests. name is the value of the label name. Queue
// returns an error if the name is empty or used already, or if there are too
// many names.
func (c *Collector) Queue(name string, q Queue) (stop func(), err error) {
	return enlist(c, c.queues, "queue", name, q)
}

// Service counts the instances of a service in each scrape, until stop is
// called. It costs no request. name is the value of the label name. Service
// returns an error if the name is empty or used already, or if there are too
// many names.
func (c *Collector) Service(name string, s Service) (stop func(), err error) {
	return enlist(c, c.services, "service", name, s)
}

// enlist adds a source to those that are asked in each scrape.
func enlist[T any](c *Collector, to map[string]T, kind, name string, source T) (stop func(), err error) {
	if c.names.bounded(name) != name {
		return nil, fmt.Errorf("prom: the name %q of the %s is empty or not UTF-8, or there are more than %d names; give another name", name, kind, MaxNames)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, found := to[name]; found {
		return nil, fmt.Errorf("prom: there is a %s %q already; give another name", kind, name)
	}
	to[name] = source
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(to, name)
	}), nil
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("docent_"+name, help, labels, nil)
}

var (
	queueUp       = describe("queue_up", "1 if the queue could be read in this scrape.", "name")
	queueItems    = describe("queue_items", "Items of a queue, by state.", "name", "state")
	queueHeadAge  = describe("queue_head_age_seconds", "Age of the first item of the queue; 0 if it is empty.", "name")
	instances     = describe("service_instances", "Instances of a service, by state.", "name", "state")
	serviceStale  = describe("service_stale", "1 while the instances of the service may be out of date.", "name")
	serviceFaults = describe("service_problems", "Znodes of the service that cannot be used, and other problems.", "name")

	confirmed = describe("session_confirmed", "1 while a quorum has answered on the present connection.")
	deadline  = describe("session_deadline_seconds", "Seconds until the session ends unless an answer comes; 0 without a session.")
	granted   = describe("session_timeout_seconds", "The session timeout that the servers have granted; 0 without a session.")
	answers   = prometheus.NewDesc("docent_answers_total", "Answers of the servers, by class.", []string{"class"}, nil)
	probes    = prometheus.NewDesc("docent_probes_total", "Checks that prove the session and its holds, by result.", []string{"result"}, nil)

	asked = []*prometheus.Desc{queueUp, queueItems, queueHeadAge, instances, serviceStale, serviceFaults,
		confirmed, deadline, granted, answers, probes}
)

// ask collects the present state of the queues and services.
func (c *Collector) ask(to chan<- prometheus.Metric) {
	c.mu.Lock()
	manager, queues, services := c.manager, maps.Clone(c.queues), maps.Clone(c.services)
	c.mu.Unlock()
	if manager != nil {
		askManager(manager, to)
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for name, s := range services {
		askService(name, s, gauge)
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	var work sync.WaitGroup
	for name, q := range queues {
		work.Go(func() { askQueue(ctx, name, q, gauge) })
	}
	work.Wait()
}

// askManager collects the health of the session, and what it has counted.
func askManager(sm *session.Manager, to chan<- prometheus.Metric) {
	add := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, kind, value, labels...)
	}
	h, s := sm.Health(), sm.Stats()
	var left time.Duration
	if h.Session != 0 {
		left = max(0, time.Until(h.Deadline))
	}
	add(confirmed, prometheus.GaugeValue, truth(h.Confirmed))
	add(deadline, prometheus.GaugeValue, left.Seconds())
	add(granted, prometheus.GaugeValue, h.Timeout.Seconds())
	add(probes, prometheus.CounterValue, float64(s.Probes-s.ProbesFailed), "ok")
	add(probes, prometheus.CounterValue, float64(s.ProbesFailed), "failed")
	for class, n := range map[string]uint64{
		"done": s.Done, "refused": s.Refused, "not_executed": s.NotExecuted, "unknown": s.Unknown, "unanswered": s.Unanswered,
	} {
		add(answers, prometheus.CounterValue, float64(n), class)
	}
}

type gauge func(desc *prometheus.Desc, value float64, labels ...string)

func askService(name string, s Service, gauge gauge) {
	view := s.View()
	var available, draining, disabled int
	for in := range view.All() {
		switch {
		case in.Disabled:
			disabled++
		case in.Draining:
			draining++
		default:
			available++
		}
	}
	gauge(instances, float64(available), name, "available")
	gauge(instances, float64(draining), name, "draining")
	gauge(instances, float64(disabled), name, "disabled")
	gauge(serviceStale, truth(view.Stale), name)
	gauge(serviceFaults, float64(len(view.Problems)), name)
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func askQueue(ctx context.Context, name string, q Queue, gauge gauge) {
	status, err := q.Status(ctx)
	var age time.Duration
	if err == nil {
		age, err = headAge(ctx, q)
	}
	gauge(queueUp, truth(err == nil), name)
	if err != nil {
		return // without values
	}
	gauge(queueItems, float64(status.Ready), name, "ready")
	gauge(queueItems, float64(status.Delayed), name, "delayed")
	gauge(queueItems, float64(status.Claimed), name, "claimed")
	gauge(queueItems, float64(status.Dead), name, "dead")
	gauge(queueHeadAge, age.Seconds(), name)
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

package prom

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/docent-go/docent/session"
)

// Collector counts the events of a Manager, and collects the state of queues
// and services. It is a session.Hook and a prometheus.Collector, and safe for
// concurrent use.
type Collector struct {
	names   namer
	timeout time.Duration

	state        *prometheus.GaugeVec
	opened       prometheus.Counter
	lost         *prometheus.CounterVec
	requests     *prometheus.CounterVec
	requestTime  *prometheus.HistogramVec
	waiting      *prometheus.GaugeVec
	waitTime     *prometheus.HistogramVec
	holds        *prometheus.GaugeVec
	acquisitions *prometheus.CounterVec
	holdTime     *prometheus.HistogramVec
	losses       *prometheus.CounterVec
	swept        *prometheus.CounterVec

	mu       sync.Mutex
	manager  *session.Manager // nil before OnManager
	session  session.ID       // the newest session
	queues   map[string]Queue
	services map[string]Service
}

// Option changes how a Collector counts.
type Option func(*Collector)

// Names sets a function that gives names to paths. It gets the path of a lock,
// a semaphore or an election, as its constructor got it, or the path of a znode
// below. It must return the same name for both: see Below. "" means that the
// path has no name. The function is called for each wait and each hold, from
// several goroutines at once.
func Names(of func(path string) string) Option { return func(c *Collector) { c.names.of = of } }

// Timeout bounds the requests for queues in one scrape. The default is two
// seconds. A queue that cannot be read in time has queue_up 0 in that scrape.
func Timeout(d time.Duration) Option { return func(c *Collector) { c.timeout = d } }

// Seconds: requests take from a fraction of a millisecond to a session timeout,
// waits and holds up to hours.
var (
	requestBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	longBuckets    = []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10, 30, 60, 300, 900, 3600, 14400}
)

// New makes a Collector. Register it with a prometheus.Registerer, and name it
// among the Hooks of the Manager.
func New(opts ...Option) *Collector {
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "docent", Name: name, Help: help}, labels)
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "docent", Name: name, Help: help}, labels)
	}
	histograms := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "docent", Name: name, Help: help, Buckets: buckets}, labels)
	}
	c := &Collector{
		timeout: 2 * time.Second,

		state: gauges("session_state", "1 for the present state of the Manager.", "state"),
		opened: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "docent", Name: "sessions_opened_total",
			Help: "Sessions that were opened."}),
		lost:         counters("sessions_lost_total", "Sessions that were lost, by cause.", "cause"),
		requests:     counters("requests_total", "Requests to the server, by kind and result.", "op", "result"),
		requestTime:  histograms("request_duration_seconds", "Time from a request to its answer, retries included.", requestBuckets, "op"),
		waiting:      gauges("waiting", "Calls of this process that wait for a hold.", "name"),
		waitTime:     histograms("wait_duration_seconds", "Time that calls waited for a hold, by result.", longBuckets, "name", "result"),
		holds:        gauges("holds", "Holds of this process.", "name"),
		acquisitions: counters("holds_acquired_total", "Holds that began.", "name"),
		holdTime:     histograms("hold_duration_seconds", "Time that holds lasted.", longBuckets, "name"),
		losses:       counters("holds_lost_total", "Holds that ended without a release, by cause.", "name", "cause"),
		swept:        counters("nodes_swept_total", "Znodes that may have been left behind, and were swept.", "found"),

		queues:   make(map[string]Queue),
		services: make(map[string]Service),
	}
	for _, opt := range opts {
		opt(c)
	}
	for _, s := range states {
		c.state.WithLabelValues(s.String()).Set(0)
	}
	for _, cause := range []error{session.ErrTrustElapsed, session.ErrExpired} { // a rate needs a zero to begin with
		c.lost.WithLabelValues(causeOf(cause))
	}
	return c
}

var states = []session.State{session.Connected, session.Suspended, session.Lost, session.Closed}

// OnManager implements session.HookManager.
func (c *Collector) OnManager(sm *session.Manager) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.manager = sm
}

// OnState implements session.HookState.
func (c *Collector) OnState(change session.StateChange) {
	for _, s := range states {
		now := 0.
		if s == change.State {
			now = 1
		}
		c.state.WithLabelValues(s.String()).Set(now)
	}
	c.mu.Lock()
	fresh := change.State == session.Connected && change.Session != c.session
	if fresh {
		c.session = change.Session
	}
	c.mu.Unlock()
	if fresh {
		c.opened.Inc()
	}
	if change.State == session.Lost && change.Session != 0 {
		c.lost.WithLabelValues(causeOf(change.Cause)).Inc()
	}
}

// OnOp implements session.HookOp.
func (c *Collector) OnOp(op session.OpInfo) {
	c.requests.WithLabelValues(op.Op, resultOf(op.Err)).Inc()
	c.requestTime.WithLabelValues(op.Op).Observe(op.Duration.Seconds())
}

// OnWait implements session.HookWait.
func (c *Collector) OnWait(_ context.Context, w session.WaitInfo) func(session.WaitEnd) {
	name := c.names.name(w.Path)
	waiting := c.waiting.WithLabelValues(name)
	waiting.Inc()
	return func(end session.WaitEnd) {
		waiting.Dec()
		c.waitTime.WithLabelValues(name, endOf(w, end.Err)).Observe(end.Waited.Seconds())
	}
}

// OnAcquired implements session.HookAcquired.
func (c *Collector) OnAcquired(h session.HoldInfo) {
	name := c.names.name(h.Path)
	c.holds.WithLabelValues(name).Inc()
	c.acquisitions.WithLabelValues(name).Inc()
}

// OnReleased implements session.HookReleased.
func (c *Collector) OnReleased(h session.HoldInfo) { c.ended(c.names.name(h.Path), h) }

// OnLost implements session.HookLost.
func (c *Collector) OnLost(h session.HoldInfo) {
	name := c.names.name(h.Path)
	c.ended(name, h)
	c.losses.WithLabelValues(name, causeOf(h.Cause)).Inc()
}

func (c *Collector) ended(name string, h session.HoldInfo) {
	c.holds.WithLabelValues(name).Dec()
	c.holdTime.WithLabelValues(name).Observe(h.Held.Seconds())
}

// OnSwept implements session.HookSwept.
func (c *Collector) OnSwept(s session.SweptInfo) {
	found := "false"
	if s.Found {
		found = "true"
	}
	c.swept.WithLabelValues(found).Inc()
}

func (c *Collector) counted() []prometheus.Collector {
	return []prometheus.Collector{c.state, c.opened, c.lost, c.requests, c.requestTime, c.waiting, c.waitTime,
		c.holds, c.acquisitions, c.holdTime, c.losses, c.swept}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, one := range c.counted() {
		one.Describe(to)
	}
	for _, desc := range asked {
		to <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	for _, one := range c.counted() {
		one.Collect(to)
	}
	c.ask(to)
}

package docentotel

import (
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"

	"github.com/docent-go/docent/session"
)

const scope = "github.com/docent-go/docent/contrib/otel"

// Telemetry is a session.Hook that records metrics and spans. It is safe for
// concurrent use.
type Telemetry struct {
	names  namer
	meters metric.MeterProvider
	traces trace.TracerProvider

	meter  metric.Meter
	tracer trace.Tracer
	instruments

	mu       sync.Mutex
	manager  *session.Manager // nil before OnManager
	state    session.State
	session  session.ID // the newest session
	queues   map[string]Queue
	services map[string]Service
}

// Option changes how a Telemetry records.
type Option func(*Telemetry)

// Names sets a function that gives names to paths. It gets the path of a lock,
// a semaphore or an election, as its constructor got it, or the path of a znode
// below. It must return the same name for both: see Below. "" means that the
// path has no name. The function is called for each wait and each hold, from
// several goroutines at once.
func Names(of func(path string) string) Option { return func(t *Telemetry) { t.names.of = of } }

// Meters sets the provider of the instruments. The default is the global
// provider.
func Meters(p metric.MeterProvider) Option { return func(t *Telemetry) { t.meters = p } }

// Traces sets the provider of the spans. The default is the global provider.
func Traces(p trace.TracerProvider) Option { return func(t *Telemetry) { t.traces = p } }

// New makes a Telemetry. Name it among the Hooks of the Manager. If the
// provider rejects an instrument, the error goes to OpenTelemetry's error
// handler (otel.Handle), and the other instruments record.
func New(opts ...Option) *Telemetry {
	t := &Telemetry{
		meters: otel.GetMeterProvider(), traces: otel.GetTracerProvider(),
		queues: make(map[string]Queue), services: make(map[string]Service),
	}
	for _, opt := range opts {
		opt(t)
	}
	t.meter, t.tracer = t.meters.Meter(scope), t.traces.Tracer(scope)
	t.instruments = instrumentsOf(t.meter)
	t.observe(gaugesOf(t.meter))
	t.observeManager()
	return t
}

// instruments are the instruments that hooks update.
type instruments struct {
	sessions metric.Int64UpDownCounter
	opened   metric.Int64Counter
	lost     metric.Int64Counter
	requests metric.Float64Histogram
	waiting  metric.Int64UpDownCounter
	waits    metric.Float64Histogram
	holding  metric.Int64UpDownCounter
	holds    metric.Float64Histogram
	losses   metric.Int64Counter
	swept    metric.Int64Counter
}

// Seconds: requests take from a fraction of a millisecond to a session timeout,
// waits and holds up to hours.
var (
	requestBounds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	longBounds    = []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10, 30, 60, 300, 900, 3600, 14400}
)

func instrumentsOf(m metric.Meter) instruments {
	counter := func(name, unit, what string) metric.Int64Counter {
		c, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(what))
		return accepted[metric.Int64Counter](c, noop.Int64Counter{}, err)
	}
	upDown := func(name, unit, what string) metric.Int64UpDownCounter {
		c, err := m.Int64UpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(what))
		return accepted[metric.Int64UpDownCounter](c, noop.Int64UpDownCounter{}, err)
	}
	seconds := func(name, what string, bounds []float64) metric.Float64Histogram {
		h, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(what),
			metric.WithExplicitBucketBoundaries(bounds...))
		return accepted[metric.Float64Histogram](h, noop.Float64Histogram{}, err)
	}
	return instruments{
		sessions: upDown("docent.session.count", "{session}", "Managers, by state."),
		opened:   counter("docent.session.opened", "{session}", "Sessions that were opened."),
		lost:     counter("docent.session.lost", "{session}", "Sessions that were lost, by cause."),
		requests: seconds("docent.request.duration", "Time from a request to its answer, retries included.", requestBounds),
		waiting:  upDown("docent.wait.active", "{call}", "Calls of this process that wait for a hold."),
		waits:    seconds("docent.wait.duration", "Time that calls waited for a hold, by result.", longBounds),
		holding:  upDown("docent.hold.active", "{hold}", "Holds of this process."),
		holds:    seconds("docent.hold.duration", "Time that holds lasted.", longBounds),
		losses:   counter("docent.hold.lost", "{hold}", "Holds that ended without a release, by cause."),
		swept:    counter("docent.node.swept", "{node}", "Znodes that may have been left behind, and were swept."),
	}
}

// accepted hands the error of an instrument to OpenTelemetry's handler. It
// returns without if the meter has returned no instrument.
func accepted[T any](instrument, without T, err error) T {
	if err != nil {
		otel.Handle(err)
	}
	if any(instrument) == nil {
		return without
	}
	return instrument
}

// The attributes of metrics and spans.
const (
	nameKey    = attribute.Key("docent.name")
	classKey   = attribute.Key("docent.class")
	stateKey   = attribute.Key("docent.state")
	causeKey   = attribute.Key("docent.cause")
	opKey      = attribute.Key("docent.op")
	resultKey  = attribute.Key("docent.result")
	foundKey   = attribute.Key("docent.found")
	pathKey    = attribute.Key("docent.path")
	tryKey     = attribute.Key("docent.try")
	tokenKey   = attribute.Key("docent.token")
	sessionKey = attribute.Key("docent.session")
)

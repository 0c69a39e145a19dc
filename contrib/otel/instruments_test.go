package docentotel_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	docentotel "github.com/docent-go/docent/contrib/otel"
	"github.com/docent-go/docent/session"
)

// refusal is a meter that refuses instruments, by their names.
type refusal struct {
	noop.Meter
	errs map[string]error
}

func (r refusal) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	if err := r.errs[name]; err != nil {
		return nil, err
	}
	return noop.Int64Counter{}, nil
}

func (r refusal) Int64ObservableGauge(name string, _ ...metric.Int64ObservableGaugeOption) (metric.Int64ObservableGauge, error) {
	return noop.Int64ObservableGauge{}, r.errs[name]
}

// provider has one meter.
type provider struct {
	noop.MeterProvider
	meter metric.Meter
}

func (p provider) Meter(string, ...metric.MeterOption) metric.Meter { return p.meter }

// A refused instrument is reported to OpenTelemetry's error handler, and does
// not disturb the program.
func TestRefusedInstruments(t *testing.T) {
	before := otel.GetErrorHandler()
	defer otel.SetErrorHandler(before)
	var handled []error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { handled = append(handled, err) }))

	one, two, three := errors.New("one"), errors.New("two"), errors.New("three")
	telemetry := docentotel.New(docentotel.Meters(provider{meter: refusal{errs: map[string]error{
		"docent.session.opened": one, "docent.node.swept": two, "docent.queue.items": three,
	}}}))
	require.ElementsMatch(t, []error{one, two, three}, handled)
	telemetry.OnState(session.StateChange{State: session.Connected, Session: 1})
	telemetry.OnSwept(session.SweptInfo{})
}

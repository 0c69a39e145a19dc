package docentotel_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	docentotel "github.com/docent-go/docent/contrib/otel"
)

// refusal is a meter that refuses instruments, by their names.
type refusal struct {
	noop.Meter
	errs map[string]error
}

func (r refusal) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return noop.Int64Counter{}, r.errs[name]
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

// The error wraps the error of each instrument that the meter refuses, in one
// line.
func TestRefusedInstruments(t *testing.T) {
	one, two := errors.New("one"), errors.New("two")
	for _, c := range []struct {
		errs map[string]error
		text string
	}{
		{map[string]error{"docent.session.opened": one}, "one"},
		{map[string]error{"docent.node.swept": one}, "one"},
		{map[string]error{"docent.session.opened": one, "docent.node.swept": two}, "one; two"},
	} {
		_, err := docentotel.New(docentotel.Meters(provider{meter: refusal{errs: c.errs}}))
		require.EqualError(t, err, c.text)
		for _, refused := range c.errs {
			require.ErrorIs(t, err, refused)
		}
	}

	telemetry, err := docentotel.New(docentotel.Meters(provider{meter: refusal{errs: map[string]error{
		"docent.queue.items": one, "docent.service.instances": one, "docent.service.problems": two,
	}}}))
	require.NoError(t, err)
	_, err = telemetry.Queue("mail", nil)
	require.EqualError(t, err, "one")
	_, err = telemetry.Service("orders", nil)
	require.EqualError(t, err, "one; two")
	require.ErrorIs(t, err, one)
	require.ErrorIs(t, err, two)
}

package docentotel_test

import (
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	docentotel "github.com/docent-go/docent/contrib/otel"
	"github.com/docent-go/docent/session"
)

// Whatever bytes names, paths and errors have, every text of a metric and a span
// is UTF-8: an exporter rejects anything else.
func FuzzFault34_Texts(f *testing.F) {
	for _, text := range []string{"orders", "", "\xff\xfeorders", "a\x00b", "\u202eevil\n", "\xed\xa0\x80"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		reader, spans := metric.NewManualReader(), tracetest.NewSpanRecorder()
		o := docentotel.New(
			docentotel.Names(func(string) string { return text }),
			docentotel.Meters(metric.NewMeterProvider(metric.WithReader(reader))),
			docentotel.Traces(trace.NewTracerProvider(trace.WithSpanProcessor(spans))),
		)
		o.OnWait(t.Context(), session.WaitInfo{Path: text})(session.WaitEnd{Err: errors.New(text)})
		o.OnOp(session.OpInfo{Op: "get", Err: errors.New(text)})
		valid := func(set []attribute.KeyValue) {
			for _, a := range set {
				require.True(t, utf8.ValidString(a.Value.String()), "%s: %q", a.Key, a.Value.String())
			}
		}
		for _, s := range spans.Ended() {
			valid(s.Attributes())
			require.True(t, utf8.ValidString(s.Status().Description))
			for _, e := range s.Events() {
				valid(e.Attributes)
			}
		}
		require.NotEmpty(t, spans.Ended())
		var rm metricdata.ResourceMetrics
		require.NoError(t, reader.Collect(t.Context(), &rm))
		for _, sm := range rm.ScopeMetrics {
			for _, m := range sm.Metrics {
				if sum, ok := m.Data.(metricdata.Sum[int64]); ok {
					for _, p := range sum.DataPoints {
						valid(p.Attributes.ToSlice())
					}
				}
			}
		}
	})
}

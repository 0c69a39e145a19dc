package docentotel_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	docentotel "github.com/docent-go/docent/contrib/otel"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// observed is a process with all that it records.
type observed struct {
	*testworld.Process
	*docentotel.Telemetry
	reader *metric.ManualReader
	traces *trace.TracerProvider
	spans  *tracetest.SpanRecorder
}

func observe(w *testworld.World) *observed {
	o := &observed{reader: metric.NewManualReader(), spans: tracetest.NewSpanRecorder()}
	o.traces = trace.NewTracerProvider(trace.WithSpanProcessor(o.spans))
	o.Telemetry = docentotel.New(
		docentotel.Names(docentotel.Below(map[string]string{"/locks/orders": "orders"})),
		docentotel.Meters(metric.NewMeterProvider(metric.WithReader(o.reader))),
		docentotel.Traces(o.traces),
	)
	o.Process = w.Process(func(cfg *session.Config) { cfg.Hooks = []session.Hook{o.Telemetry} })
	return o
}

// values gathers what the instruments say: histograms by count and sum.
func (o *observed) values(w *testworld.World) map[string]float64 {
	synctest.Wait()
	var rm metricdata.ResourceMetrics
	_ = o.reader.Collect(w.Context(), &rm) // a source that fails is left out
	all := make(map[string]float64)
	key := func(name string, set attribute.Set) string {
		for _, a := range set.ToSlice() {
			name += " " + a.Value.String()
		}
		return name
	}
	for _, sm := range rm.ScopeMetrics {
		for _, m := range sm.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					all[key(m.Name, p.Attributes)] = float64(p.Value)
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					all[key(m.Name, p.Attributes)] = float64(p.Value)
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					all[key(m.Name, p.Attributes)] = p.Value
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					all[key(m.Name, p.Attributes)+" count"] = float64(p.Count)
					all[key(m.Name, p.Attributes)+" sum"] = p.Sum
				}
			}
		}
	}
	return all
}

func (o *observed) has(w *testworld.World, want map[string]float64) {
	w.Helper()
	got := o.values(w)
	for key, value := range want {
		require.InDelta(w, value, got[key], 1e-9, "%s of %v", key, got)
	}
}

func TestMetrics(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		o := observe(w)
		m := lock.NewMutex(o.Manager, "/locks/orders")
		h, err := m.Lock(w.Context())
		require.NoError(w, err)
		second := testworld.Go(w, m.Lock)
		o.has(w, map[string]float64{
			"docent.session.count connected": 1, "docent.session.opened": 1,
			"docent.wait.active orders": 1, "docent.hold.active orders": 1,
		})
		time.Sleep(time.Minute)
		require.NoError(w, h.Release())
		h = second.Get()
		w.Remove(h.Path())
		<-h.Done()
		o.has(w, map[string]float64{
			"docent.wait.active orders": 0, "docent.hold.active orders": 0,
			"docent.wait.duration orders acquired count": 2, "docent.wait.duration orders acquired sum": 60,
			"docent.hold.duration orders count": 2, "docent.hold.lost deleted orders": 1,
		})
		_, _, err = o.Get(w.Context(), "/nothing")
		require.Error(w, err)
		o.has(w, map[string]float64{
			"docent.session.confirmed": 1, "docent.session.timeout": 10, "docent.probes failed": 0, "docent.answers unanswered": 0,
		})
		require.Positive(w, o.values(w)["docent.probes ok"])
		require.Positive(w, o.values(w)["docent.answers done"])
		require.Greater(w, o.values(w)["docent.session.deadline"], 10*15./60-.01)
		o.Link.Cut(zktest.Both)
		w.Eventually(func() bool { return o.State() == session.Lost }, "the session is lost")
		o.has(w, map[string]float64{
			"docent.session.confirmed": 0, "docent.session.timeout": 0, "docent.session.deadline": 0,
			"docent.request.duration get no_node count": 1,
			"docent.session.count connected":            0, "docent.session.count lost": 1,
			"docent.session.lost trust_elapsed": 1,
		})
		o.Link.Heal()
		o.Current()
		o.has(w, map[string]float64{"docent.session.count connected": 1, "docent.session.opened": 2})
	})
}

func TestSources(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		o := observe(w)
		q := queue.New(o.Manager, "/queues/mail")
		stop, err := o.Queue("mail", q)
		require.NoError(w, err)
		_, err = o.Queue("mail", q)
		require.EqualError(w, err, `docentotel: there is a queue "mail" already; give another name`)
		_, err = o.Service("", nil)
		require.ErrorContains(w, err, "is empty")
		view := naming.NewView(naming.Instance{ID: "a"}, naming.Instance{ID: "b", Draining: true}, naming.Instance{ID: "c", Disabled: true})
		view.Stale, view.Problems = true, []error{errors.New("one")}
		_, err = o.Service("orders", fixed{view})
		require.NoError(w, err)
		_, err = q.Put(w.Context(), nil)
		require.NoError(w, err)
		time.Sleep(time.Minute)
		o.has(w, map[string]float64{
			"docent.queue.items mail ready": 1, "docent.queue.items mail dead": 0,
			"docent.service.instances orders available": 1, "docent.service.instances orders draining": 1,
			"docent.service.instances orders disabled": 1, "docent.service.stale orders": 1, "docent.service.problems orders": 1,
		})
		require.InDelta(w, 60, o.values(w)["docent.queue.head.age mail"], 1)

		// A queue that cannot be read has no values. The service has.
		w.Srv.Freeze()
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		var rm metricdata.ResourceMetrics
		err = o.reader.Collect(ctx, &rm)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.ErrorContains(w, err, "queue mail: ")
		w.Srv.Thaw()

		stop()
		stop()
		got := o.values(w)
		require.NotContains(w, got, "docent.queue.items mail ready")
		require.Contains(w, got, "docent.service.stale orders")
		_, err = o.Queue("mail", q)
		require.NoError(w, err, "the name is free again")
	})
}

type fixed struct{ view *naming.View }

func (f fixed) View() *naming.View { return f.view }

// A wait and a hold are children of the caller's span; the hold may end after
// it.
func TestSpans(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		o := observe(w)
		tracer := o.traces.Tracer("caller")
		ctx, caller := tracer.Start(w.Context(), "caller")
		m := lock.NewMutex(o.Manager, "/locks/orders")
		h, err := m.Lock(ctx)
		require.NoError(w, err)
		second := testworld.Go(w, func(context.Context) (*lock.Hold, error) { return m.Lock(ctx) })
		_, err = m.TryLock(ctx)
		require.ErrorIs(w, err, lock.ErrHeld)
		caller.End()
		time.Sleep(time.Minute)
		require.NoError(w, h.Release())
		h = second.Get()
		time.Sleep(time.Second)
		w.Remove(h.Path())
		<-h.Done()
		synctest.Wait()

		var waits, holds []trace.ReadOnlySpan
		for _, s := range o.spans.Ended() {
			switch s.Name() {
			case "docent.wait":
				waits = append(waits, s)
			case "docent.hold":
				holds = append(holds, s)
			default:
				continue
			}
			require.Equal(w, caller.SpanContext().SpanID(), s.Parent().SpanID())
			require.Contains(w, s.Attributes(), attribute.String("docent.name", "orders"))
		}
		require.Len(w, waits, 3)
		require.Len(w, holds, 2)
		require.Contains(w, waits[0].Attributes(), attribute.String("docent.result", "acquired"))
		require.Contains(w, waits[1].Attributes(), attribute.String("docent.result", "busy"))
		require.Equal(w, codes.Unset, waits[1].Status().Code, "another client has it: that is not a failure")
		require.Equal(w, time.Minute, waits[2].EndTime().Sub(waits[2].StartTime()))
		for i, wait := range []trace.ReadOnlySpan{waits[0], waits[2]} {
			require.Equal(w, wait.SpanContext().SpanID(), holds[i].Links()[0].SpanContext.SpanID())
			require.Contains(w, holds[i].Attributes(), attribute.String("docent.session", h.SessionID().String()))
		}
		require.Equal(w, codes.Unset, holds[0].Status().Code)
		require.Equal(w, codes.Error, holds[1].Status().Code)
		require.Contains(w, holds[1].Attributes(), attribute.String("docent.cause", "deleted"))
		s, err := o.Session(w.Context())
		require.NoError(w, err)
		require.Contains(w, holds[1].Attributes(), attribute.String("docent.session", s.ID.String()))
		require.Equal(w, time.Second, holds[1].EndTime().Sub(holds[1].StartTime()))

		require.NoError(w, o.Close())
		_, err = m.Lock(w.Context())
		require.ErrorIs(w, err, session.ErrClosed)
		ended := o.spans.Ended()
		require.Equal(w, codes.Error, ended[len(ended)-1].Status().Code)
	})
}

// The table of docs/observability.md has a row for every instrument, and no
// other.
func TestInstrumentsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/observability.md")
	require.NoError(t, err)
	rows := make(map[string]bool)
	for _, m := range regexp.MustCompile("(?m)^\\| [^|]*\\| `(docent\\.[a-z.]+)` ").FindAllStringSubmatch(string(page), -1) {
		rows[m[1]] = true
	}
	var code []byte
	for _, file := range []string{"telemetry.go", "sources.go", "manager.go"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		code = append(code, text...)
	}
	made := make(map[string]bool)
	for _, m := range regexp.MustCompile(`\("(docent\.[a-z.]+)", `).FindAllStringSubmatch(string(code), -1) {
		made[m[1]] = true
	}
	require.NotEmpty(t, made)
	require.Equal(t, slices.Sorted(maps.Keys(made)), slices.Sorted(maps.Keys(rows)))
}

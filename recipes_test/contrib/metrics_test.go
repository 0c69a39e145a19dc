package contrib

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	docentotel "github.com/docent-go/docent/contrib/otel"
	"github.com/docent-go/docent/contrib/prom"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/sessiontest"
	"github.com/docent-go/docent/zktest"
)

// sameMetrics maps the metrics of Prometheus to their equals in OpenTelemetry.
// Of histograms, only the counts are compared.
var sameMetrics = map[string]string{
	"docent_session_state":            "docent.session.count",
	"docent_session_confirmed":        "docent.session.confirmed",
	"docent_session_deadline_seconds": "docent.session.deadline",
	"docent_session_timeout_seconds":  "docent.session.timeout",
	"docent_probes_total":             "docent.probes",
	"docent_answers_total":            "docent.answers",
	"docent_sessions_opened_total":    "docent.session.opened",
	"docent_sessions_lost_total":      "docent.session.lost",
	"docent_requests_total":           "docent.request.duration",
	"docent_waiting":                  "docent.wait.active",
	"docent_wait_duration_seconds":    "docent.wait.duration",
	"docent_holds":                    "docent.hold.active",
	"docent_hold_duration_seconds":    "docent.hold.duration",
	"docent_holds_lost_total":         "docent.hold.lost",
	"docent_nodes_swept_total":        "docent.node.swept",
	"docent_queue_items":              "docent.queue.items",
	"docent_queue_head_age_seconds":   "docent.queue.head.age",
	"docent_service_instances":        "docent.service.instances",
	"docent_service_stale":            "docent.service.stale",
	"docent_service_problems":         "docent.service.problems",
}

// hooks are the hooks that both modules implement.
type hooks interface {
	session.HookManager
	session.HookState
	session.HookOp
	session.HookWait
	session.HookAcquired
	session.HookReleased
	session.HookLost
	session.HookSwept
}

// happen calls hooks for one event of each kind with each label. A path or an
// operation has the name of its case.
func happen(h hooks) {
	id := session.ID(0)
	for name, l := range labels {
		id++
		h.OnState(session.StateChange{State: session.Connected, Session: id})
		h.OnState(session.StateChange{State: session.Suspended, Session: id})
		h.OnState(session.StateChange{State: session.Lost, Session: id, Cause: l.err})
		h.OnOp(session.OpInfo{Op: name, Err: l.err, Duration: time.Second})
		h.OnAcquired(session.HoldInfo{Path: "/" + name})
		h.OnLost(session.HoldInfo{Path: "/" + name, Held: time.Second, Cause: l.err})
	}
	h.OnState(session.StateChange{State: session.Closed})
	for name, w := range waits {
		over := h.OnWait(context.Background(), session.WaitInfo{Path: "/" + name, Try: w.try})
		over(session.WaitEnd{Waited: time.Second, Err: w.err})
	}
	h.OnWait(context.Background(), session.WaitInfo{Path: "/"}) // the root has no name, and this wait does not end
	h.OnAcquired(session.HoldInfo{Path: "/released"})
	h.OnReleased(session.HoldInfo{Path: "/released", Held: time.Second})
	h.OnSwept(session.SweptInfo{Found: true})
	h.OnSwept(session.SweptInfo{})
	h.OnSwept(session.SweptInfo{})
}

// crowd calls hooks for holds with more names than the limit.
func crowd(h hooks) {
	for i := range 2 * prom.MaxNames {
		h.OnAcquired(session.HoldInfo{Path: fmt.Sprintf("/%d", i)})
	}
}

// nameOf names each path but the root.
func nameOf(path string) string { return strings.TrimPrefix(path, "/") }

// mail is a queue with a different number of items in each state.
type mail struct{}

func (mail) Status(context.Context) (queue.Status, error) {
	return queue.Status{Ready: 1, Delayed: 2, Claimed: 3, Dead: 4}, nil
}

func (mail) List(context.Context) iter.Seq2[queue.Entry, error] {
	return func(yield func(queue.Entry, error) bool) {
		yield(queue.Entry{Put: time.Now().Add(time.Hour)}, nil) // by a clock that runs ahead: the age is 0
	}
}

// orders is a service with a different number of instances in each state.
type orders struct{}

func (orders) View() *naming.View {
	view := naming.NewView(naming.Instance{ID: "a"}, naming.Instance{ID: "b"}, naming.Instance{ID: "c"},
		naming.Instance{ID: "d", Draining: true}, naming.Instance{ID: "e", Draining: true}, naming.Instance{ID: "f", Disabled: true})
	view.Stale, view.Problems = true, []error{errors.New("one"), errors.New("two")}
	return view
}

// series are values by metric and labels, such as "docent_holds name=orders".
type series map[string]float64

func (s series) add(metric string, labels []string, value float64) {
	slices.Sort(labels)
	s[strings.Join(append([]string{metric}, labels...), " ")] = value
}

// collector returns a Collector after the events of happens.
func collector(happens func(hooks)) *prom.Collector {
	c := prom.New(prom.Names(nameOf))
	happens(c)
	return c
}

// ofProm returns the series of a Collector that have an equal, by the name of
// the equal.
func ofProm(t *testing.T, c *prom.Collector) series {
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(c))
	families, err := registry.Gather()
	require.NoError(t, err)
	all := make(series)
	for _, f := range families {
		equal, compared := sameMetrics[f.GetName()]
		if !compared {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			value := m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			all.add(equal, labels, value)
		}
	}
	return all
}

// telemetry returns a Telemetry after the events of happens.
func telemetry(t *testing.T, happens func(hooks)) (*docentotel.Telemetry, metric.Reader) {
	reader := metric.NewManualReader()
	meters := metric.NewMeterProvider(metric.WithReader(reader))
	h := docentotel.New(docentotel.Names(nameOf), docentotel.Meters(meters))
	happens(h)
	return h, reader
}

// ofOTel returns the series that a reader collects.
func ofOTel(t *testing.T, reader metric.Reader) series {
	var collected metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &collected))
	all := make(series)
	add := func(metric string, set attribute.Set, value float64) {
		var labels []string
		for _, a := range set.ToSlice() {
			key, ours := strings.CutPrefix(string(a.Key), "docent.")
			require.True(t, ours, a.Key)
			labels = append(labels, key+"="+a.Value.String())
		}
		all.add(metric, labels, value)
	}
	for _, scope := range collected.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					add(m.Name, p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					add(m.Name, p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					add(m.Name, p.Attributes, p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					add(m.Name, p.Attributes, float64(p.Count))
				}
			default:
				t.Errorf("%s has values of type %T", m.Name, data)
			}
		}
	}
	return all
}

// Both modules count the same under the same labels. Each has its own code for
// the labels, so that it can be released alone.
func TestMetricsAgree(t *testing.T) {
	c := collector(happen)
	_, err := c.Queue("mail", mail{})
	require.NoError(t, err)
	_, err = c.Service("orders", orders{})
	require.NoError(t, err)
	h, reader := telemetry(t, happen)
	_, err = h.Queue("mail", mail{})
	require.NoError(t, err)
	_, err = h.Service("orders", orders{})
	require.NoError(t, err)

	got := ofProm(t, c)
	require.Equal(t, got, ofOTel(t, reader))
	for name, l := range labels {
		require.EqualValues(t, 1, got["docent.hold.lost cause="+l.cause+" name="+name], name)
		require.EqualValues(t, 1, got["docent.request.duration op="+name+" result="+l.result], name)
	}
	for name, w := range waits {
		require.EqualValues(t, 1, got["docent.wait.duration name="+name+" result="+w.result], name)
	}
	require.EqualValues(t, 1, got["docent.wait.active name=unnamed"])
}

var ofHealth = regexp.MustCompile(`^docent\.(session\.(confirmed|deadline|timeout)|probes|answers)( |$)`)

// Both modules say the same of the health of a session, and of its requests. In
// virtual time no time passes between the two.
func TestHealthAgrees(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		t := w.T
		c := prom.New()
		h, reader := telemetry(t, func(hooks) {})
		p := w.Process(func(cfg *session.Config) { cfg.Hooks = []session.Hook{c, h} })
		same := func() series {
			got, other := ofProm(t, c), ofOTel(t, reader)
			for _, all := range []series{got, other} {
				maps.DeleteFunc(all, func(key string, _ float64) bool { return !ofHealth.MatchString(key) })
			}
			require.Len(t, got, 10)
			require.Equal(t, got, other)
			return got
		}
		m := lock.NewMutex(p.Manager, "/locks/a")
		_, err := m.Lock(w.Context())
		require.NoError(t, err)
		_, _, err = p.Get(w.Context(), "/nothing")
		require.ErrorIs(t, err, session.ErrNoNode)
		time.Sleep(time.Minute)
		got := same()
		require.EqualValues(t, 1, got["docent.session.confirmed"])
		require.Positive(t, got["docent.session.deadline"])
		require.Positive(t, got["docent.probes result=ok"])
		require.Positive(t, got["docent.answers class=done"])
		require.Positive(t, got["docent.answers class=refused"])
		p.Link.Cut(zktest.Both)
		time.Sleep(time.Minute)
		got = same()
		require.Zero(t, got["docent.session.confirmed"])
		require.Zero(t, got["docent.session.deadline"])
		require.Positive(t, got["docent.probes result=failed"])
		require.Positive(t, got["docent.answers class=unanswered"])
	})
}

// Both modules have the same limit for names, and keep the names that they
// know.
func TestNamesAreBounded(t *testing.T) {
	require.Equal(t, prom.MaxNames, docentotel.MaxNames)
	want := series{"docent.hold.active name=overflow": 2 * prom.MaxNames}
	for i := range prom.MaxNames {
		want[fmt.Sprintf("docent.hold.active name=%d", i)] = 2
	}
	twice := func(h hooks) {
		crowd(h)
		crowd(h)
	}
	_, reader := telemetry(t, twice)
	require.Equal(t, want, ofOTel(t, reader))
	got := ofProm(t, collector(twice))
	maps.DeleteFunc(got, func(key string, _ float64) bool { return !strings.HasPrefix(key, "docent.hold.") })
	require.Equal(t, want, got)
}

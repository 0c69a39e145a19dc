package docentotel

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// observeManager observes the health of the session at each collection, and
// what the Manager has counted. It costs no request.
func (t *Telemetry) observeManager() {
	seconds := func(name, what string) metric.Float64ObservableGauge {
		g, err := t.meter.Float64ObservableGauge(name, metric.WithUnit("s"), metric.WithDescription(what))
		return accepted[metric.Float64ObservableGauge](g, noop.Float64ObservableGauge{}, err)
	}
	counter := func(name, unit, what string) metric.Int64ObservableCounter {
		c, err := t.meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(what))
		return accepted[metric.Int64ObservableCounter](c, noop.Int64ObservableCounter{}, err)
	}
	g, err := t.meter.Int64ObservableGauge("docent.session.confirmed", metric.WithUnit("1"),
		metric.WithDescription("1 while a quorum has answered on the present connection."))
	confirmed := accepted[metric.Int64ObservableGauge](g, noop.Int64ObservableGauge{}, err)
	deadline := seconds("docent.session.deadline", "Seconds until the session ends unless an answer comes; 0 without a session.")
	timeout := seconds("docent.session.timeout", "The session timeout that the servers have granted; 0 without a session.")
	answers := counter("docent.answers", "{answer}", "Answers of the servers, by class.")
	probes := counter("docent.probes", "{probe}", "Checks that prove the session and its holds, by result.")

	_, err = t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		t.mu.Lock()
		sm := t.manager
		t.mu.Unlock()
		if sm == nil {
			return nil
		}
		h, s := sm.Health(), sm.Stats()
		var is int64
		if h.Confirmed {
			is = 1
		}
		var left time.Duration
		if h.Session != 0 {
			left = max(0, time.Until(h.Deadline))
		}
		o.ObserveInt64(confirmed, is)
		o.ObserveFloat64(deadline, left.Seconds())
		o.ObserveFloat64(timeout, h.Timeout.Seconds())
		o.ObserveInt64(probes, int64(s.Probes-s.ProbesFailed), metric.WithAttributes(resultKey.String("ok")))
		o.ObserveInt64(probes, int64(s.ProbesFailed), metric.WithAttributes(resultKey.String("failed")))
		for class, n := range map[string]uint64{
			"done": s.Done, "refused": s.Refused, "not_executed": s.NotExecuted, "unknown": s.Unknown, "unanswered": s.Unanswered,
		} {
			o.ObserveInt64(answers, int64(n), metric.WithAttributes(classKey.String(class)))
		}
		return nil
	}, confirmed, deadline, timeout, answers, probes)
	if err != nil {
		otel.Handle(err)
	}
}

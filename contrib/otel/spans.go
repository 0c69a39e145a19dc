package docentotel

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/docent-go/docent/session"
)

// OnWait implements session.HookWait. The span of the wait is a child of the
// span in ctx.
func (t *Telemetry) OnWait(ctx context.Context, w session.WaitInfo) func(session.WaitEnd) {
	name := nameKey.String(t.names.name(w.Path))
	t.waiting.Add(ctx, 1, metric.WithAttributes(name))
	_, span := t.tracer.Start(ctx, "docent.wait", trace.WithAttributes(name, pathKey.String(w.Path), tryKey.Bool(w.Try)))
	return func(end session.WaitEnd) {
		result := endOf(w, end.Err)
		t.waiting.Add(ctx, -1, metric.WithAttributes(name))
		t.waits.Record(ctx, end.Waited.Seconds(), metric.WithAttributes(name, resultKey.String(result)))
		span.SetAttributes(resultKey.String(result))
		if result == "failed" {
			span.RecordError(end.Err)
			span.SetStatus(codes.Error, end.Err.Error())
		}
		span.End()
		if end.Hold != nil {
			t.hold(ctx, end.Hold, span, name)
		}
	}
}

// hold begins a span that ends with the hold.
func (t *Telemetry) hold(ctx context.Context, h *session.Hold, wait trace.Span, name attribute.KeyValue) {
	_, span := t.tracer.Start(ctx, "docent.hold", trace.WithLinks(trace.Link{SpanContext: wait.SpanContext()}),
		trace.WithAttributes(name, pathKey.String(h.Path()), tokenKey.Int64(h.Token()),
			sessionKey.String(h.SessionID().String())))
	if !span.IsRecording() { // its end is not recorded
		span.End()
		return
	}
	context.AfterFunc(h.Context(), func() {
		if err := h.Err(); errors.Is(err, session.ErrLost) {
			span.SetAttributes(causeKey.String(causeOf(err)))
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	})
}

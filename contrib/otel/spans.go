package docentotel

import (
	"context"
	"errors"
	"strings"

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
	_, span := t.tracer.Start(ctx, "docent.wait", trace.WithAttributes(name, pathKey.String(valid(w.Path)), tryKey.Bool(w.Try)))
	return func(end session.WaitEnd) {
		result := endOf(w, end.Err)
		t.waiting.Add(ctx, -1, metric.WithAttributes(name))
		t.waits.Record(ctx, end.Waited.Seconds(), metric.WithAttributes(name, resultKey.String(result)))
		span.SetAttributes(resultKey.String(result))
		if result == "failed" {
			text := valid(end.Err.Error())
			span.RecordError(&validError{end.Err, text})
			span.SetStatus(codes.Error, text)
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
		trace.WithAttributes(name, pathKey.String(valid(h.Path())), tokenKey.Int64(h.Token()),
			sessionKey.String(h.SessionID().String())))
	if !span.IsRecording() { // its end is not recorded
		span.End()
		return
	}
	context.AfterFunc(h.Context(), func() {
		if err := h.Err(); errors.Is(err, session.ErrLost) {
			span.SetAttributes(causeKey.String(causeOf(err)))
			span.SetStatus(codes.Error, valid(err.Error()))
		}
		span.End()
	})
}

// valid replaces the bytes of a text that are not UTF-8. Paths and errors may
// hold what other programs have written, and an exporter rejects everything that
// is sent with such a text.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// validError is an error with a valid text.
type validError struct {
	err  error
	text string
}

func (e *validError) Error() string { return e.text }
func (e *validError) Unwrap() error { return e.err }

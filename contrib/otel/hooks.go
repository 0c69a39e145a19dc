package docentotel

import (
	"context"

	"go.opentelemetry.io/otel/metric"

	"github.com/docent-go/docent/session"
)

// OnManager implements session.HookManager.
func (t *Telemetry) OnManager(sm *session.Manager) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.manager = sm
}

// OnState implements session.HookState.
func (t *Telemetry) OnState(change session.StateChange) {
	t.mu.Lock()
	before := t.state
	t.state = change.State
	fresh := change.State == session.Connected && change.Session != t.session
	if fresh {
		t.session = change.Session
	}
	t.mu.Unlock()
	ctx := context.Background()
	if before != 0 {
		t.sessions.Add(ctx, -1, metric.WithAttributes(stateKey.String(before.String())))
	}
	t.sessions.Add(ctx, 1, metric.WithAttributes(stateKey.String(change.State.String())))
	if fresh {
		t.opened.Add(ctx, 1)
	}
	if change.State == session.Lost && change.Session != 0 {
		t.lost.Add(ctx, 1, metric.WithAttributes(causeKey.String(causeOf(change.Cause))))
	}
}

// OnOp implements session.HookOp.
func (t *Telemetry) OnOp(op session.OpInfo) {
	t.requests.Record(context.Background(), op.Duration.Seconds(),
		metric.WithAttributes(opKey.String(op.Op), resultKey.String(resultOf(op.Err))))
}

// OnAcquired implements session.HookAcquired.
func (t *Telemetry) OnAcquired(h session.HoldInfo) {
	t.holding.Add(context.Background(), 1, metric.WithAttributes(nameKey.String(t.names.name(h.Path))))
}

// OnReleased implements session.HookReleased.
func (t *Telemetry) OnReleased(h session.HoldInfo) { t.ended(h) }

// OnLost implements session.HookLost.
func (t *Telemetry) OnLost(h session.HoldInfo) {
	t.ended(h)
	t.losses.Add(context.Background(), 1, metric.WithAttributes(
		nameKey.String(t.names.name(h.Path)), causeKey.String(causeOf(h.Cause))))
}

func (t *Telemetry) ended(h session.HoldInfo) {
	name := metric.WithAttributes(nameKey.String(t.names.name(h.Path)))
	t.holding.Add(context.Background(), -1, name)
	t.holds.Record(context.Background(), h.Held.Seconds(), name)
}

// OnSwept implements session.HookSwept.
func (t *Telemetry) OnSwept(s session.SweptInfo) {
	t.swept.Add(context.Background(), 1, metric.WithAttributes(foundKey.Bool(s.Found)))
}

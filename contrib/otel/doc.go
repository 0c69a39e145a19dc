// Package docentotel makes OpenTelemetry metrics and spans from the events of a
// session.Manager and of the recipes on it.
//
//	telemetry := docentotel.New(docentotel.Names(docentotel.Below(map[string]string{"/locks/orders": "orders"})))
//	sm, err := session.Dial(ctx, session.Config{Servers: servers, Hooks: []session.Hook{telemetry}})
//
// A Telemetry is a hook of one Manager. docs/observability.md lists the
// instruments.
//
// # Spans
//
// A call that waits for a lock, permits or leadership is a span "docent.wait",
// a child of the span in the caller's context. Its hold is a span
// "docent.hold", a child of the same span, with a link to the wait. The hold
// may end after its parent: the caller's context bounds the wait alone. A span
// has the status Error if its wait fails or its hold is lost.
//
// The metrics have the names that a function of the program gives to paths
// (Names). The paths themselves are attributes of spans alone.
package docentotel

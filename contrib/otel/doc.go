// Package docentotel makes OpenTelemetry metrics and spans of what happens in a
// session.Manager and in the recipes on it.
//
//	telemetry, err := docentotel.New(docentotel.Names(docentotel.Below(map[string]string{"/locks/orders": "orders"})))
//	sm, err := session.Dial(ctx, session.Config{Servers: servers, Hooks: []session.Hook{telemetry}})
//
// A Telemetry is a hook of one Manager. docs/observability.md lists the
// instruments.
//
// # Spans
//
// A call that waits for a lock, permits or leadership is a span "docent.wait",
// a child of the span in the caller's context. The hold that comes of it is a span
// "docent.hold", a child of the same span, with a link to the wait. It may end
// after its parent: the caller's context bounds the wait alone. A span of a wait
// that fails has the status Error, and so has that of a hold that is lost.
//
// Metrics tell recipes apart by the names that a function of the user's gives
// (Names); paths are attributes of spans alone.
package docentotel

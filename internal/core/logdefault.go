package core

import (
	"context"
	"log/slog"
)

// defaultHandler passes each line to the handler of slog.Default(), which a
// program may set after Dial.
type defaultHandler struct {
	// added has the calls of WithAttrs and WithGroup, in order.
	added []func(slog.Handler) slog.Handler
}

func (h defaultHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return slog.Default().Handler().Enabled(ctx, level)
}

func (h defaultHandler) Handle(ctx context.Context, r slog.Record) error {
	inner := slog.Default().Handler()
	for _, add := range h.added {
		inner = add(inner)
	}
	return inner.Handle(ctx, r)
}

func (h defaultHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.with(func(inner slog.Handler) slog.Handler { return inner.WithAttrs(attrs) })
}

func (h defaultHandler) WithGroup(name string) slog.Handler {
	return h.with(func(inner slog.Handler) slog.Handler { return inner.WithGroup(name) })
}

func (h defaultHandler) with(add func(slog.Handler) slog.Handler) defaultHandler {
	return defaultHandler{append(h.added[:len(h.added):len(h.added)], add)}
}

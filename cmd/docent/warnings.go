package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/docent-go/docent/internal/base/visible"
)

// warningHandler prints the session's warnings that a user of the command can
// act on, and no other line. It knows them by their attributes.
type warningHandler struct{ env *environment }

// Enabled implements slog.Handler.
func (warningHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

// WithAttrs implements slog.Handler.
func (h warningHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements slog.Handler.
func (h warningHandler) WithGroup(string) slog.Handler { return h }

// Handle implements slog.Handler.
func (h warningHandler) Handle(_ context.Context, r slog.Record) error {
	values := make(map[string]string)
	r.Attrs(func(a slog.Attr) bool {
		values[a.Key] = a.Value.String()
		return true
	})
	warning := plaintextWarning(values) + exposedWarning(values)
	if warning == "" {
		return nil
	}
	_, err := fmt.Fprintf(h.env.stderr, "docent: warning: %s\n", visible.Line(warning))
	return err
}

// plaintextWarning is about credentials that go to another machine without TLS.
func plaintextWarning(values map[string]string) string {
	if values["credentials"] == "" || values["risk"] == "" {
		return ""
	}
	return fmt.Sprintf("the credentials (%s) go to %s without TLS: %s; give --tls or --tls-ca, or use a network that you trust",
		values["credentials"], values["server"], values["risk"])
}

// exposedWarning is about a directory in which others have rights.
func exposedWarning(values map[string]string) string {
	if values["rights"] == "" || values["see"] == "" {
		return ""
	}
	return fmt.Sprintf("%s: %s, %s; see %q", values["path"], values["rights"], values["so"], values["see"])
}

// sessionLog prints the lines of the session, which the guides explain. It
// leaves out the messages of the client library underneath.
type sessionLog struct{ inner slog.Handler }

// Enabled implements slog.Handler.
func (h sessionLog) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h sessionLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	if slices.ContainsFunc(attrs, ofClient) {
		return slog.DiscardHandler
	}
	return sessionLog{h.inner.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h sessionLog) WithGroup(name string) slog.Handler { return sessionLog{h.inner.WithGroup(name)} }

// Handle implements slog.Handler.
func (h sessionLog) Handle(ctx context.Context, r slog.Record) error {
	underneath := false
	r.Attrs(func(a slog.Attr) bool {
		underneath = underneath || ofClient(a)
		return true
	})
	if underneath {
		return nil
	}
	return h.inner.Handle(ctx, r)
}

// ofClient reports whether an attribute marks a message of the client library.
func ofClient(a slog.Attr) bool { return a.Key == "from" && a.Value.String() == "client" }

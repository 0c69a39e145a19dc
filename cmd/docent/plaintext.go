package main

import (
	"context"
	"fmt"
	"log/slog"
)

// plaintextHandler prints the session's warning about credentials that go to
// another machine without TLS, and no other line.
type plaintextHandler struct{ env *environment }

// Enabled implements slog.Handler.
func (plaintextHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

// WithAttrs implements slog.Handler.
func (h plaintextHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements slog.Handler.
func (h plaintextHandler) WithGroup(string) slog.Handler { return h }

// Handle implements slog.Handler. It knows the warning by its attributes.
func (h plaintextHandler) Handle(_ context.Context, r slog.Record) error {
	values := make(map[string]string)
	r.Attrs(func(a slog.Attr) bool {
		values[a.Key] = a.Value.String()
		return true
	})
	if values["credentials"] == "" || values["risk"] == "" {
		return nil
	}
	_, err := fmt.Fprintf(h.env.stderr, "docent: warning: %s\n", visible(fmt.Sprintf(
		"the credentials (%s) go to %s without TLS: %s; give --tls or --tls-ca, or use a network that you trust",
		values["credentials"], values["server"], values["risk"])))
	return err
}

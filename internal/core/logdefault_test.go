package core

import (
	"bytes"
	"log"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

// The attributes and groups of a logger without its own handler reach the
// default handler.
func TestDefaultHandlerKeepsAttributes(t *testing.T) {
	old, output, flags := slog.Default(), log.Writer(), log.Flags()
	defer func() {
		slog.SetDefault(old)
		log.SetOutput(output)
		log.SetFlags(flags)
	}()
	var queue logQueue
	logger := queue.logger(nil).With("a", 1)
	inner, sibling := logger.WithGroup("g").With("b", 2), logger.With("c", 3)

	var text bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})))
	inner.Warn("one", "d", 4)
	sibling.Error("two")
	sibling.Info("three")
	<-queue.handled()
	require.Equal(t, "level=WARN msg=one a=1 g.b=2 g.d=4\nlevel=ERROR msg=two a=1 c=3\n", text.String())
}

package core

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"
)

// clientLog logs the messages of the client underneath for debugging. The
// Manager itself logs everything that users need.
type clientLog struct{ log *slog.Logger }

func (l clientLog) Printf(format string, args ...any) {
	l.log.Debug(fmt.Sprintf(format, args...), "from", "client")
}

// logQueue calls the user's log handler, or the default logger's, on a
// goroutine of its own, which ends when no lines are left. Lines are logged
// under locks, and on the goroutines that dial and read. A handler that blocks
// must not block these.
type logQueue struct {
	mu      sync.Mutex
	lines   []logLine
	dropped int           // the lines dropped since lines was last emptied
	idle    chan struct{} // closed when all lines are handled; nil if there are no lines
}

type logLine struct {
	handler slog.Handler
	record  slog.Record
}

// maxLogLines is the greatest number of lines that wait for a slow handler.
const maxLogLines = 1000

// logger returns a logger that puts its lines into the queue. Without a user's
// logger, warnings and errors go to slog.Default().
func (q *logQueue) logger(log *slog.Logger) *slog.Logger {
	switch {
	case log == nil:
		return slog.New(queuedHandler{q, defaultHandler{}, slog.LevelWarn})
	case log.Handler() == slog.DiscardHandler:
		return log
	}
	return slog.New(queuedHandler{q, log.Handler(), anyLevel})
}

// anyLevel is below the level of every line.
const anyLevel = slog.Level(math.MinInt)

// queuedHandler is a handler that never blocks. It does not call the user's
// Enabled, which may block too.
type queuedHandler struct {
	queue *logQueue
	inner slog.Handler
	least slog.Level
}

func (h queuedHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.least }
func (h queuedHandler) WithGroup(name string) slog.Handler {
	return queuedHandler{h.queue, h.inner.WithGroup(name), h.least}
}
func (h queuedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return queuedHandler{h.queue, h.inner.WithAttrs(attrs), h.least}
}

func (h queuedHandler) Handle(_ context.Context, r slog.Record) error {
	q := h.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) >= maxLogLines {
		q.dropped++
		return nil
	}
	q.lines = append(q.lines, logLine{h.inner, r.Clone()})
	if q.idle == nil {
		q.idle = make(chan struct{})
		go q.work()
	}
	return nil
}

// work handles lines until none is left.
func (q *logQueue) work() {
	for {
		q.mu.Lock()
		lines, dropped := q.lines, q.dropped
		q.lines, q.dropped = nil, 0
		if len(lines) == 0 {
			close(q.idle)
			q.idle = nil
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		for _, line := range lines {
			line.handle()
		}
		if dropped > 0 {
			r := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines were dropped, since the log handler is slow", 0)
			r.AddAttrs(slog.Int("lines", dropped))
			logLine{lines[0].handler, r}.handle()
		}
	}
}

func (l logLine) handle() {
	ctx := context.Background()
	if l.handler.Enabled(ctx, l.record.Level) {
		_ = l.handler.Handle(ctx, l.record) // slog.Logger ignores the error too
	}
}

// handled returns a channel that is closed when no line waits for the handler.
func (q *logQueue) handled() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.idle == nil {
		none := make(chan struct{})
		close(none)
		return none
	}
	return q.idle
}

package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// worker counts up in the store while it holds the lock.
type worker struct {
	id       string
	every    time.Duration
	careless bool
	mutex    *lock.Mutex
	store    Store
	log      *slog.Logger
}

// run takes the lock again and again, until ctx ends.
func (w *worker) run(ctx context.Context) error {
	for {
		err := w.mutex.Do(ctx, func(held context.Context, h *lock.Hold) error {
			if w.careless {
				held = ctx
			}
			return w.hold(held, h)
		})
		switch {
		case ctx.Err() != nil:
			return nil // hold has returned
		case errors.Is(err, session.ErrLost):
			w.log.Warn("the lock was lost", "error", err)
		case err != nil:
			return err
		}
		select { // a store that rejects every token must not make this loop hot
		case <-ctx.Done():
			return nil
		case <-time.After(w.every):
		}
	}
}

// hold counts until ctx ends, or the store knows a later holder.
func (w *worker) hold(ctx context.Context, h *lock.Hold) error {
	log := w.log.With("token", h.Token())
	n, err := w.store.Begin(ctx, h.Token())
	if err == nil {
		log.Info("holds", "n", n)
	}
	for err == nil {
		select {
		case <-ctx.Done():
			return nil // Do returns the reason, if the hold was lost
		case <-time.After(w.every):
		}
		if err = w.write(ctx, h.Token(), n+1); err == nil {
			n++
			log.Info("wrote", "n", n)
		}
	}
	if errors.Is(err, ErrFenced) {
		log.Warn("refused", "error", err)
		return nil // the lock is lost, and Do notices it
	}
	return err
}

// write repeats a write whose outcome is unknown: it has the same number.
func (w *worker) write(ctx context.Context, token, n int64) error {
	for {
		err := w.store.Write(ctx, token, n, w.id)
		if err == nil || errors.Is(err, ErrFenced) || ctx.Err() != nil {
			return err
		}
		w.log.Warn("the write is repeated", "n", n, "error", err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(w.every):
		}
	}
}

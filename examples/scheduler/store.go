package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// ErrStale says that a later leader has used the store.
var ErrStale = errors.New("a later leader has written")

// Store records the slot that was claimed last, and the term that claimed it.
// It keeps the greatest token that it was given and rejects smaller ones with
// ErrStale. Each method is atomic. In SQL it is one statement,
//
//	UPDATE scheduler SET token = $1, slot = $2 WHERE token <= $1
//
// which changes no row if the token is stale.
type Store interface {
	// Fence shuts out all earlier terms: they cannot claim a slot afterwards.
	// It returns the slot that was claimed last.
	Fence(ctx context.Context, token int64) (last time.Time, err error)
	// Claim records that the slot is about to be run.
	Claim(ctx context.Context, token int64, slot time.Time) error
}

// record is the data of a nodeStore's node.
type record struct {
	Token int64     `json:"token"`
	Slot  time.Time `json:"slot"`
}

// nodeStore is a Store in a ZooKeeper node, written by compare-and-set.
type nodeStore struct{ *config.Value[record] }

func openStore(ctx context.Context, sm *session.Manager, path string) (nodeStore, error) {
	v, err := config.Open(ctx, sm, path, config.JSON[record](), config.Default(record{}))
	return nodeStore{v}, err
}

// Fence implements Store.
func (s nodeStore) Fence(ctx context.Context, token int64) (time.Time, error) {
	return s.write(ctx, token, func(*record) {})
}

// Claim implements Store.
func (s nodeStore) Claim(ctx context.Context, token int64, slot time.Time) error {
	_, err := s.write(ctx, token, func(r *record) { r.Slot = slot })
	return err
}

func (s nodeStore) write(ctx context.Context, token int64, change func(*record)) (time.Time, error) {
	snap, err := s.Update(ctx, func(r record) (record, error) {
		if r.Token > token {
			return r, fmt.Errorf("%w: its token is %d, ours %d", ErrStale, r.Token, token)
		}
		r.Token = token
		change(&r)
		return r, nil
	})
	if err != nil {
		return time.Time{}, err
	}
	return snap.Value.Slot, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
)

// ErrFenced says that the store knows a greater token: a later holder has begun.
var ErrFenced = errors.New("a later holder has begun")

// Store keeps a number that the holder of a lock counts up. It knows the
// greatest token that it was given. A call with a smaller token fails with
// ErrFenced, and changes nothing. A call with the same token may be repeated.
//
// A Store is safe for concurrent use.
type Store interface {
	// Begin makes token the greatest one, and returns the number that was
	// written last. After it no write of an earlier holder succeeds, so what
	// it returns stays true until this holder writes.
	Begin(ctx context.Context, token int64) (n int64, err error)
	// Write replaces the number.
	Write(ctx context.Context, token, n int64, worker string) error
	// Close closes the connections.
	Close() error
}

// openStore opens the store of a URL: postgres, redis or unix (a Redis on a
// socket). The guard is column or table, and only PostgreSQL looks at it.
func openStore(ctx context.Context, store, guard string) (Store, error) {
	u, err := url.Parse(store)
	if err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	switch u.Scheme {
	case "postgres", "postgresql":
		return openPostgres(ctx, store, guard)
	case "redis", "rediss", "unix":
		return openRedis(ctx, store)
	default:
		return nil, fmt.Errorf("--store %q is not a URL of PostgreSQL (postgres://...) or Redis (redis://..., unix://...)", store)
	}
}

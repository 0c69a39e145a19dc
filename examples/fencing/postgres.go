package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// maxIdle is how long a transaction may wait for its next statement. A worker
// that is stopped within a transaction keeps the lock on the guard row, and its
// kernel keeps the connection alive. So the server has to end it: until then
// the next holder waits.
const maxIdle = 5 * time.Second

func openPostgres(ctx context.Context, dsn, guard string) (Store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	if config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] == "" {
		config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = fmt.Sprint(maxIdle.Milliseconds())
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, `SELECT FROM counters, fences, journal LIMIT 0`); err != nil {
		pool.Close()
		return nil, fmt.Errorf("the tables of schema.sql cannot be read: %w", err)
	}
	switch guard {
	case "column":
		return guardColumn{pool}, nil
	case "table":
		return guardTable{pool}, nil
	default:
		pool.Close()
		return nil, fmt.Errorf("--guard %q is neither column nor table", guard)
	}
}

// guardColumn is a Store whose token is a column of the row that it protects.
// Each call is one statement, so nothing can happen between its check and its
// write: the server locks the row, and checks the newest version of it.
type guardColumn struct{ pool *pgxpool.Pool }

// Begin implements Store.
func (s guardColumn) Begin(ctx context.Context, token int64) (n int64, err error) {
	err = s.pool.QueryRow(ctx, `
		INSERT INTO counters (name, n, worker, token) VALUES ('orders', 0, '', $1)
		ON CONFLICT (name) DO UPDATE SET token = excluded.token WHERE counters.token <= excluded.token
		RETURNING n`, token).Scan(&n)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, ErrFenced // no row has passed the WHERE
	}
	return n, err
}

// Write implements Store.
func (s guardColumn) Write(ctx context.Context, token, n int64, worker string) error {
	tag, err := s.pool.Exec(ctx, `
		UPDATE counters SET n = $2, worker = $3, token = $1
		WHERE name = 'orders' AND token <= $1`, token, n, worker)
	if err == nil && tag.RowsAffected() == 0 {
		return ErrFenced // for SQL that is not an error
	}
	return err
}

// Close implements Store.
func (s guardColumn) Close() error {
	s.pool.Close()
	return nil
}

// guardTable is a Store whose token is in a table of its own. A transaction
// writes the token first, and then anything else.
type guardTable struct{ pool *pgxpool.Pool }

// fenced calls f in a transaction that holds the lock on the guard row. So the
// transactions of two holders never overlap, at READ COMMITTED too. If the
// token is not the greatest one, f is not called.
//
// Reading the token before the write does not do: without the lock, the
// transaction of a later holder could begin and end between the two.
func (s guardTable) fenced(ctx context.Context, token int64, f func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			INSERT INTO fences (name, token) VALUES ('orders', $1)
			ON CONFLICT (name) DO UPDATE SET token = excluded.token WHERE fences.token <= excluded.token`, token)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return ErrFenced
		}
		return f(tx)
	})
}

// Begin implements Store.
func (s guardTable) Begin(ctx context.Context, token int64) (n int64, err error) {
	err = s.fenced(ctx, token, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT coalesce(max(n), 0) FROM journal`).Scan(&n)
	})
	return n, err
}

// Write implements Store. It inserts a row, which a guard column could not
// reject.
func (s guardTable) Write(ctx context.Context, token, n int64, worker string) error {
	return s.fenced(ctx, token, func(tx pgx.Tx) error {
		// The row exists if the answer to the first try was lost.
		_, err := tx.Exec(ctx, `
			INSERT INTO journal (n, worker, token) VALUES ($2, $3, $1)
			ON CONFLICT (n) DO UPDATE SET worker = excluded.worker, token = excluded.token`, token, n, worker)
		return err
	})
}

// Close implements Store.
func (s guardTable) Close() error {
	s.pool.Close()
	return nil
}

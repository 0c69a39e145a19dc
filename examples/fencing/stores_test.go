//go:build unix

package main

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

func open(t *testing.T, url, guard string) Store {
	t.Helper()
	s, err := openStore(t.Context(), url, guard)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// Every store keeps the promises of Store.
func (s servers) keepTheirPromises(t *testing.T) {
	postgres := s.postgres.database(t)
	for name, store := range map[string]Store{
		"column": open(t, postgres, "column"), "table": open(t, postgres, "table"), "redis": open(t, s.redis+"?db=2", ""),
	} {
		t.Run(name, func(t *testing.T) {
			// Neighbours that a float64 cannot tell apart.
			const older, newer = math.MaxInt64 - 1, math.MaxInt64
			write := func(token, n int64) error { return store.Write(t.Context(), token, n, "worker") }
			begin := func(token, n int64) {
				t.Helper()
				got, err := store.Begin(t.Context(), token)
				require.NoError(t, err)
				require.Equal(t, n, got)
			}
			begin(9, 0)
			require.NoError(t, write(9, 1))
			begin(10, 1) // ten is greater than nine, as a number
			require.NoError(t, write(10, 2))
			require.NoError(t, write(10, 2), "a write may be repeated")
			require.ErrorIs(t, write(9, 77), ErrFenced)

			begin(older, 2)
			require.NoError(t, write(older, 3))
			begin(newer, 3)
			require.ErrorIs(t, write(older, 77), ErrFenced, "before the later holder has written")
			_, err := store.Begin(t.Context(), older)
			require.ErrorIs(t, err, ErrFenced)
			begin(newer, 3)
			require.NoError(t, write(newer, 4))
			begin(newer, 4)
		})
	}
}

// The transactions of two holders never overlap: a write that has passed the
// check ends before a later holder begins, which then sees it.
func (s servers) beginWaits(t *testing.T) {
	dsn := s.postgres.database(t)
	early, late := open(t, dsn, "table").(guardTable), open(t, dsn, "table")
	began := make(chan int64, 1)
	err := early.fenced(t.Context(), 1, func(tx pgx.Tx) error {
		go func() {
			n, err := late.Begin(t.Context(), 2)
			if err != nil {
				t.Error(err)
			}
			began <- n
		}()
		observer := connect(t, dsn)
		ensemble.Eventually(t, patience, "the later holder waits for the transaction", func() bool {
			var waiting int
			err := observer.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))`,
				tx.Conn().PgConn().PID()).Scan(&waiting)
			require.NoError(t, err)
			return waiting == 1
		})
		_, err := tx.Exec(t.Context(), `INSERT INTO journal (n, worker, token) VALUES (7, 'early', 1)`)
		return err
	})
	require.NoError(t, err)
	require.EqualValues(t, 7, <-began)
	require.ErrorIs(t, early.Write(t.Context(), 1, 8, "early"), ErrFenced)
}

// A worker that is stopped within a transaction holds the lock on the guard
// row. The server ends the transaction, and the next holder begins.
func (s servers) aStoppedTransactionEnds(t *testing.T) {
	dsn := s.postgres.database(t)
	stopped := open(t, dsn+"&idle_in_transaction_session_timeout=100", "table").(guardTable)
	next := open(t, dsn, "table")
	err := stopped.fenced(t.Context(), 1, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `INSERT INTO journal (n, worker, token) VALUES (7, 'stopped', 1)`); err != nil {
			return err
		}
		n, err := next.Begin(t.Context(), 2)
		require.NoError(t, err)
		require.Zero(t, n, "the transaction was rolled back")
		return nil // commit
	})
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrFenced)
	require.ErrorIs(t, stopped.Write(t.Context(), 1, 7, "stopped"), ErrFenced)
}

// What a store does not understand is an error that names the flag.
func (s servers) badFlags(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := openStore(ctx, "mysql://localhost/app", "column")
	require.ErrorContains(t, err, "--store")
	_, err = openStore(ctx, "", "column")
	require.ErrorContains(t, err, "--store")
	_, err = openStore(ctx, "unix://"+shortDir(t)+"/no.sock", "")
	require.ErrorContains(t, err, "no such file")
	_, err = openStore(ctx, s.postgres.database(t), "row")
	require.ErrorContains(t, err, "--guard")
}

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// The process has as many idle sessions as asked, prints their cost, and closes
// them when its input ends.
func TestIdle(t *testing.T) {
	for _, subject := range []string{docent, goZK} {
		t.Run(subject, func(t *testing.T) {
			srv := zktest.New(t)
			addr, err := srv.Listen("127.0.0.1:0")
			require.NoError(t, err)
			stdin, hold := io.Pipe()
			answer, stdout := io.Pipe()
			done := make(chan error, 1)
			go func() { done <- idle(t.Context(), []string{idleVerb, subject, "5", addr}, stdin, stdout) }()
			line, err := bufio.NewReader(answer).ReadBytes('\n')
			require.NoError(t, err)
			var cost idleCost
			require.NoError(t, json.Unmarshal(line, &cost))
			require.NotZero(t, cost.Heap, "garbage of earlier tests may be collected meanwhile, so the sign says nothing here")
			require.GreaterOrEqual(t, cost.Goroutines, 5.0)
			require.Len(t, srv.Sessions(), 6, "one session was opened before")
			require.NoError(t, hold.Close())
			require.NoError(t, <-done)
			require.Empty(t, srv.Sessions())
		})
	}
	for _, args := range [][]string{{idleVerb}, {idleVerb, docent, "many", "zk1"}, {idleVerb, docent, "0", "zk1"}, {idleVerb, kazoo, "1", "zk1"}} {
		require.Error(t, idle(t.Context(), args, nil, io.Discard), "%v", args)
	}
}

// Sessions are opened at an even pace, within the time between two pings.
func TestOpenAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 320
		began := time.Now()
		var opened, closed atomic.Int64
		end, err := openAll(n, func() (func() error, error) {
			opened.Add(1)
			return func() error { closed.Add(1); return nil }, nil
		})
		require.NoError(t, err)
		require.EqualValues(t, n, opened.Load())
		require.Equal(t, (n-1)*sessionTimeout/3/n, time.Since(began), "the time of the last session")
		require.NoError(t, end())
		require.EqualValues(t, n, closed.Load())
	})
}

func TestProcessorTime(t *testing.T) {
	got, err := parseProcessorTime([]byte("4711 (a ) name) S 1 2 3 4 5 6 7 8 9 10 150 25 13 14 15"))
	require.NoError(t, err)
	require.Equal(t, 1750*time.Millisecond, got)
	for _, bad := range []string{"", "4711 (java) S 1", "4711 (java) S 1 2 3 4 5 6 7 8 9 10 x 25"} {
		_, err := parseProcessorTime([]byte(bad))
		require.Error(t, err, bad)
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// The process with many sessions publishes as often as asked, and closes all
// sessions.
func TestMany(t *testing.T) {
	for _, subject := range []string{floor, docent} {
		t.Run(subject, func(t *testing.T) {
			srv := zktest.New(t)
			addr, err := srv.Listen("127.0.0.1:0")
			require.NoError(t, err)
			var out bytes.Buffer
			require.NoError(t, runMany(t.Context(), []string{manyVerb, subject, "5", addr, "/key", "4"}, &out, io.Discard))
			var each []time.Duration
			require.NoError(t, json.Unmarshal(out.Bytes(), &each))
			require.Len(t, each, 4)
			info, found := srv.Node("/key")
			require.True(t, found)
			require.Equal(t, "5", string(info.Data), "one publication is a warm-up")
			require.GreaterOrEqual(t, srv.Count(zktest.OpGetData), 5*(1+5))
			require.Empty(t, srv.Sessions())
		})
	}
	for _, args := range [][]string{
		{manyVerb}, {manyVerb, docent, "no", "zk1", "/key", "1"}, {manyVerb, docent, "0", "zk1", "/key", "1"},
		{manyVerb, docent, "1", "zk1", "/key", "x"}, {manyVerb, kazoo, "1", "zk1", "/key", "1"},
	} {
		require.Error(t, runMany(t.Context(), args, io.Discard, io.Discard), "%v", args)
	}
}

// A publication is over when the last session has its value. Other values do
// not count.
func TestAudience(t *testing.T) {
	a := &audience{size: 2, want: "1", left: 2, all: make(chan time.Time, 1)}
	a.has([]byte("0"))
	a.has([]byte("1"))
	require.Empty(t, a.all)
	a.has([]byte("1"))
	require.Len(t, a.all, 1)
}

package config_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
)

const benchKeys = 10_000

// BenchmarkTreeOpen opens 10,000 keys.
func BenchmarkTreeOpen(b *testing.B) {
	srv, sm := benchWorld(b)
	for i := range benchKeys {
		require.NoError(b, srv.Put(fmt.Sprintf("/t/k%05d", i), []byte("0")))
	}
	b.ReportAllocs()
	for b.Loop() {
		tree, err := config.OpenTree(b.Context(), sm, "/t", config.JSON[int]())
		require.NoError(b, err)
		require.NoError(b, tree.Close())
	}
}

// BenchmarkTreeChange writes one of 10,000 keys and waits until the tree shows
// it, with the server in the same process. Pause paces it: what counts are the
// allocations.
func BenchmarkTreeChange(b *testing.B) {
	srv, sm := benchWorld(b)
	for i := range benchKeys {
		require.NoError(b, srv.Put(fmt.Sprintf("/t/k%05d", i), []byte("0")))
	}
	tree, err := config.OpenTree(b.Context(), sm, "/t", config.JSON[int]())
	require.NoError(b, err)
	defer func() { require.NoError(b, tree.Close()) }()
	n := 0
	b.ReportAllocs()
	for snap := range tree.Changes(b.Context()) {
		if n > 0 && snap.Value("k00007") != n {
			continue
		}
		if !b.Loop() {
			return
		}
		n++
		require.NoError(b, srv.Put("/t/k00007", strconv.AppendInt(nil, int64(n), 10)))
	}
}

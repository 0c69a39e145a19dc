package scenarios

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// ReadMany reads nodes that are missing, hidden, small, or as large as a server
// accepts. The answers are far larger than the largest request.
func TestReadMany(t *testing.T) {
	t.Parallel()
	e := ensemble.Start(t, 1)
	ctx := within(t, 2*patience)
	owner := start(t, e, lasting, func(cfg *session.Config) {
		cfg.Auth = []session.Credential{session.Digest("ann", "secret")}
		cfg.ACL = session.AuthACL(session.PermAll)
	})
	p := start(t, e, lasting)
	_, err := owner.Create(ctx, "/hidden", nil, session.Persistent)
	require.NoError(t, err)
	ops := []core.ReadOp{{Path: "/hidden"}, {Path: "/missing"}, {Path: "/hidden", Children: true}, {Path: "/", Children: true}}
	want := [][]byte{nil, nil, nil, nil}
	add := func(path string, data []byte) {
		_, err := p.Create(ctx, path, data, session.Persistent)
		require.NoError(t, err)
		ops, want = append(ops, core.ReadOp{Path: path}), append(want, data)
	}
	for i := range 14 {
		add(fmt.Sprintf("/large%d", i), bytes.Repeat([]byte{byte(i)}, 1_000_000))
	}
	for i := range 1000 {
		add(fmt.Sprintf("/small%d", i), []byte{byte(i), 1})
	}
	add("/empty", []byte{})
	s, err := bridge.Core(p.Manager).Session(ctx)
	require.NoError(t, err)
	results, err := s.ReadMany(ctx, ops)
	require.NoError(t, err)
	require.ErrorIs(t, results[0].Err, session.ErrNoAuth)
	require.ErrorIs(t, results[1].Err, session.ErrNoNode)
	require.ErrorIs(t, results[2].Err, session.ErrNoAuth)
	require.Contains(t, results[3].Children, "small999")
	for i, r := range results[4:] {
		require.NoError(t, r.Err)
		require.True(t, bytes.Equal(want[4+i], r.Data), ops[4+i].Path)
		require.NotZero(t, r.Stat.Czxid)
	}
}

// Nodes with a TTL need the server's setting that the error names.
func TestCreateTTL(t *testing.T) {
	t.Parallel()
	for name, enabled := range map[string]bool{"enabled": true, "by default": false} {
		t.Run(name, func(t *testing.T) {
			e := ensemble.Start(t, 1, ensemble.JVM(
				fmt.Sprintf("-Dzookeeper.extendedTypesEnabled=%v", enabled), "-Dznode.container.checkIntervalMs=100"))
			e.RequireVersion(t, 3, 5)
			p := start(t, e, lasting)
			ctx := within(t, patience)
			s, err := bridge.Core(p.Manager).Session(ctx)
			require.NoError(t, err)
			path, err := s.CreateTTL(ctx, "/job-", []byte("x"), time.Millisecond, core.Sequential)
			if !enabled {
				require.ErrorIs(t, err, session.ErrUnimplemented)
				return
			}
			require.NoError(t, err)
			_, err = s.CreateTTL(ctx, "/long", nil, core.MaxTTL, core.Persistent)
			require.NoError(t, err)
			require.Equal(t, "/job-0000000000", path)
			_, found, gone, err := s.ExistsW(ctx, path)
			require.NoError(t, err)
			if found {
				woken(t, gone)
			}
			_, found, err = s.Exists(ctx, "/long")
			require.NoError(t, err)
			require.True(t, found)
		})
	}
}

func TestWhoAmI(t *testing.T) {
	t.Parallel()
	e := ensemble.Start(t, 1)
	e.RequireVersion(t, 3, 7)
	p := start(t, e, lasting, func(cfg *session.Config) {
		cfg.Auth = []session.Credential{session.Digest("ann", "secret")}
	})
	s, err := bridge.Core(p.Manager).Session(within(t, patience))
	require.NoError(t, err)
	ids, err := s.WhoAmI(within(t, patience))
	require.NoError(t, err)
	require.ElementsMatch(t, []core.Identity{{Scheme: "ip", ID: "127.0.0.1"}, {Scheme: "digest", ID: "ann"}}, ids)
}

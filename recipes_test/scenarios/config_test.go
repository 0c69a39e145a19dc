package scenarios

import (
	"context"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// TestConfigFollowsThroughFaults makes five values follow a node that is
// written, deleted and created again, while their servers die one after the
// other. No value goes back, and each ends with the last write.
func TestConfigFollowsThroughFaults(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	store := config.NewStore(observer(t, e), "/config")
	_, err := store.Create(within(t, patience), "n", []byte("0"))
	require.NoError(t, err)

	var values []*config.Value[int]
	done := make(chan struct{})
	for range 5 {
		p := start(t, e, lasting)
		v, err := config.Open(within(t, patience), p.Manager, "/config/n", config.JSON[int]())
		require.NoError(t, err)
		defer v.Close()
		values = append(values, v)
		go func() {
			defer func() { done <- struct{}{} }()
			var last int64
			for snap, err := range v.Changes(ctx) {
				switch {
				case err != nil:
					t.Logf("changes: %v", err)
				case snap.Exists && snap.Zxid < last:
					t.Errorf("zxid %d after %d", snap.Zxid, last)
				case snap.Exists:
					last = snap.Zxid
				}
			}
		}()
	}
	n := 0
	write := func(count int) {
		for range count {
			n++
			ensemble.Eventually(t, patience, "a write", func() bool {
				_, err := store.Set(within(t, patience), "n", []byte(strconv.Itoa(n)), session.AnyVersion)
				return err == nil
			})
		}
	}
	for i := range 3 {
		write(50)
		e.Server(i).Kill()
		write(50)
		e.Server(i).Restart()
		require.NoError(t, e.WaitQuorum(within(t, patience)))
		require.NoError(t, store.Delete(within(t, patience), "n", session.AnyVersion))
		n++
		_, err := store.Create(within(t, patience), "n", []byte(strconv.Itoa(n)))
		require.NoError(t, err)
	}
	write(1)
	for i, v := range values {
		ensemble.Eventually(t, patience, "value "+strconv.Itoa(i)+" is up to date", func() bool {
			return v.Load().Value == n && !v.Stale()
		})
	}
	cancel()
	for range values {
		<-done
	}
}

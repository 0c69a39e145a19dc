package core

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// Another client writes to the node between one hold and the next one, which
// uses the watch up: the next watches anew.
func TestHandOnKeepsTheWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.New(t)
		m, err := Dial(t.Context(), Config{Servers: []string{"zk1"}, Dialer: srv.DialContext})
		require.NoError(t, err)
		defer func() { require.NoError(t, m.Close()) }()
		s, err := m.Session(t.Context())
		require.NoError(t, err)
		e, err := s.Enter(t.Context(), "/locks/a", "lock-", nil)
		require.NoError(t, err)
		h, err := e.Hold(t.Context(), 1)
		require.NoError(t, err)
		time.Sleep(time.Second) // it is watched by now
		h.end(ErrReleased)      // the first half of HandOn
		require.NoError(t, srv.Put(h.Path(), []byte("written")))
		synctest.Wait()
		next := e.Node.begin(1, watchLate) // the second
		time.Sleep(time.Second)
		require.NoError(t, srv.Remove(h.Path()))
		synctest.Wait()
		require.ErrorIs(t, next.Err(), ErrDeleted)
	})
}

package inspect

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// What is kept of a key is told with the key, and not one of its nodes is read.
func TestRead_histories(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		store := config.NewStore(p.Manager, "/config")
		history := store.History(50)
		set := func(key string, n int) {
			for i := range n {
				_, err := history.Put(w.Context(), key, []byte(fmt.Sprint("value ", i)))
				require.NoError(w, err)
			}
		}
		set("limits", 40)
		set("db/pool", 2)
		_, err := store.Create(w.Context(), "plain", []byte("no history"))
		require.NoError(w, err)
		_, err = store.Set(w.Context(), "limits", []byte("past the history"), session.AnyVersion)
		require.NoError(w, err)
		set("limits", 1) // keeps that too
		r := report(w, p, "/")
		require.Equal(w, []string{"plain /", "plain /config", "plain /config/db", "config /config/db/pool",
			"config /config/limits", "config /config/plain"}, kinds(r))
		require.True(w, r.Complete())
		require.Equal(w, 42, at[*ConfigKey](w, r, "/config/limits").Kept)
		require.Equal(w, 2, at[*ConfigKey](w, r, "/config/db/pool").Kept)
		require.Zero(w, at[*ConfigKey](w, r, "/config/plain").Kept)
		require.Less(w, r.Requests, 40)

		// Of a key that is gone the history stays, for a rollback.
		require.NoError(w, store.Delete(w.Context(), "limits", session.AnyVersion))
		r = report(w, p, "/config")
		f := at[*History](w, r, "/config/.history/limits")
		require.Equal(w, "/config/limits", f.Key)
		require.Equal(w, 42, f.Kept)
		require.Equal(w, []string{"the key does not exist"}, f.Notes)
		require.Empty(w, f.Abandoned)
		require.Contains(w, kinds(r), "plain /config/.history")
		require.NotContains(w, kinds(r), "history /config/db/.history/pool")

		// Looked at by themselves, they still are what they are.
		f = at[*History](w, report(w, p, "/config/db/.history/pool"), "/config/db/.history/pool")
		require.Equal(w, "/config/db/pool", f.Key)
		require.Empty(w, f.Notes, "the key was not looked for")
	})
}

// What others have put there is shown.
func TestRead_strangersInHistories(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		store := config.NewStore(p.Manager, "/config")
		_, err := store.History(3).Put(w.Context(), "a", []byte("1"))
		require.NoError(w, err)
		require.NoError(w, w.Srv.Put("/config/.history/a/stranger", []byte("x")))
		require.NoError(w, w.Srv.Put("/config/.history/b", []byte("x")))
		require.NoError(w, w.Srv.Put("/config/b", []byte("x")))
		require.NoError(w, w.Srv.Put("/config/.history/.history/set-ABCDEFGHIJKLMNOPQRSTUVWXYZ-0000000001", nil))
		require.NoError(w, w.Srv.Put("/leaf/.history", []byte("a key of that name")))
		require.NoError(w, w.Srv.Put("/other/.history/set-short-0000000001", []byte("x")))
		require.NoError(w, w.Srv.Put("/other/.history/set-abcdefghijklmnopqrstuvwxyz-0000000001", []byte("x")))
		r := report(w, p, "/")
		require.Equal(w, []string{"plain /", "plain /config", "plain /config/.history", "history /config/.history/.history", "config /config/.history/a/stranger",
			"config /config/.history/b", "config /config/a", "config /config/b", "plain /leaf", "config /leaf/.history",
			"plain /other", "plain /other/.history",
			"config /other/.history/set-abcdefghijklmnopqrstuvwxyz-0000000001", "config /other/.history/set-short-0000000001"}, kinds(r))
		require.Equal(w, 1, at[*ConfigKey](w, r, "/config/a").Kept)
		require.Zero(w, at[*ConfigKey](w, r, "/config/b").Kept)

		// What a limit leaves out is said all the same.
		_, err = store.History(3).Put(w.Context(), "db/x", []byte("1"))
		require.NoError(w, err)
		_, err = store.History(3).Put(w.Context(), "db/y", []byte("1"))
		require.NoError(w, err)
		r = report(w, p, "/config/db", Limit(5))
		require.Equal(w, []string{"plain /config/db", "omitted /config/db/.history", "config /config/db/x", "config /config/db/y"}, kinds(r))
	})
}

package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// OnProblem reports what is wrong at present: each problem once, two at a time as
// one, and nil once there is none.
func TestOnProblemReportsTheEnd(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		dir := filepath.Join(t.TempDir(), "d")
		require.NoError(t, os.Mkdir(dir, 0o700))
		w.Put("/c/k", "one")
		var mu sync.Mutex
		var told []error
		syncing(w.Process(), filepath.Join(dir, "f"),
			config.CheckFile(func(data []byte) error {
				if string(data) == "bad" {
					return errors.New("refused")
				}
				return nil
			}),
			config.OnProblem(func(err error) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, err)
			}))
		take := func() []error {
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			all := told
			told = nil
			return all
		}
		require.Empty(t, take(), "there is no problem yet")

		require.NoError(t, os.RemoveAll(dir))
		w.Put("/c/k", "two")
		first := take()
		require.Len(t, first, 1)
		require.ErrorIs(t, first[0], os.ErrNotExist)
		w.Put("/c/k", "bad")
		both := take()
		require.Len(t, both, 1)
		require.ErrorIs(t, both[0], os.ErrNotExist)
		require.ErrorAs(t, both[0], new(*config.BadValueError))
		require.ErrorAs(t, both[0], new(*session.OpError))
		require.NoError(t, os.Mkdir(dir, 0o700))
		one := take()
		require.Len(t, one, 1)
		require.NotErrorIs(t, one[0], os.ErrNotExist)
		require.ErrorAs(t, one[0], new(*config.BadValueError))
		w.Put("/c/k", "three")
		require.Equal(t, []error{nil}, take())
		require.Empty(t, take())
	})
}

// Changes yields an error once, and the state again once the error is over, even
// if nothing has changed.
func TestChangesReportTheEndOfAnError(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/c/k", "one")
		p := w.Process()
		value, err := config.Open(w.Context(), p.Manager, "/c/k", config.Text())
		require.NoError(t, err)
		defer value.Close()
		tree, err := config.OpenTree(w.Context(), p.Manager, "/c", config.Text())
		require.NoError(t, err)
		defer tree.Close()
		var ofValue, ofTree []string
		note := func(list *[]string, text string, err error) {
			switch {
			case errors.Is(err, session.ErrClosed):
				return
			case err != nil:
				require.ErrorIs(t, err, session.ErrNoAuth)
				text = "error"
			}
			*list = append(*list, text)
		}
		go func() {
			for snap, err := range value.Changes(w.Context()) {
				note(&ofValue, snap.Value, err)
			}
		}()
		go func() {
			for snap, err := range tree.Changes(w.Context()) {
				note(&ofTree, snap.Value("k"), err)
			}
		}()
		synctest.Wait()
		require.Equal(t, []string{"one"}, ofValue)
		require.Equal(t, []string{"one"}, ofTree)

		allow := w.Refuse("/c/k")
		p.Link.Disconnect() // both read again
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []string{"one", "error"}, ofValue)
		allow()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		require.Equal(t, []string{"one", "error", "one"}, ofValue)
		require.Equal(t, "error", ofTree[1])
		require.Equal(t, "one", ofTree[len(ofTree)-1])
		require.NotContains(t, ofTree[2:], "error")
	})
}

package docentkoanf_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/knadh/koanf/parsers/json"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	docentkoanf "github.com/docent-go/docent/contrib/koanf"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

const path = "/config/orders.json"

func (w *world) key() *docentkoanf.Key {
	k, err := docentkoanf.OpenKey(w.Context(), w.p.Manager, path, docentkoanf.Parses(json.Parser()))
	require.NoError(w, err)
	return k
}

// The configuration follows the key. A value that does not parse, and a
// deletion, leave the last value.
func TestKey(t *testing.T) {
	run(t, func(w *world) {
		w.Put(path, `{"qps": 5, "db": {"host": "a"}}`)
		k := w.key()
		a := w.app(k, json.Parser())
		a.has(0, map[string]any{"qps": 5.0, "db.host": "a"})
		w.Put(path, `{"db": {"host": "b"}}`)
		a.has(1, map[string]any{"db.host": "b"})

		w.Put(path, `{"db": `)
		var bad *config.BadValueError
		require.ErrorAs(w, a.errors(), &bad)
		require.Equal(w, path, bad.Path)
		require.ErrorAs(w, k.Err(), &bad)
		require.NoError(w, a.load())
		a.has(1, map[string]any{"db.host": "b"})
		w.Put(path, `{"db": {"host": "c"}}`)
		a.has(2, map[string]any{"db.host": "c"})
		require.NoError(w, k.Err())

		require.NoError(w, w.Server.Remove(path))
		a.has(3, map[string]any{"db.host": "c"})
		require.Equal(w, docentkoanf.Event{Path: path}, a.events[2])
		w.Put(path, `{"db": {"host": "d"}}`)
		a.has(4, map[string]any{"db.host": "d"})
		require.Equal(w, docentkoanf.Event{Path: path, Exists: true}, a.events[3])

		_, err := k.Read()
		require.ErrorContains(w, err, "give Load a parser")
	})
}

// While ZooKeeper does not answer, the last value stays, and the provider says
// that it may be old. The session may even end meanwhile.
func TestKey_outage(t *testing.T) {
	for _, lasts := range []time.Duration{8 * time.Second, time.Hour} {
		t.Run(lasts.String(), func(t *testing.T) {
			run(t, func(w *world) {
				w.Put(path, `{"qps": 5}`)
				k := w.key()
				a := w.app(k, json.Parser())
				require.False(w, k.Stale())
				w.p.Link.Cut(zktest.Both)
				w.Put(path, `{"qps": 6}`)
				time.Sleep(lasts)
				require.True(w, k.Stale())
				require.NoError(w, a.load())
				a.has(0, map[string]any{"qps": 5.0})
				w.p.Link.Heal()
				w.Eventually(func() bool { return !k.Stale() }, "the servers answer")
				a.has(1, map[string]any{"qps": 6.0})
				require.NoError(w, a.errors())
			})
		})
	}
}

// A change between the read and the call of Watch is reported. A value that was
// read is not.
func TestKey_noChangeIsMissed(t *testing.T) {
	run(t, func(w *world) {
		w.Put(path, `{"qps": 5}`)
		k := w.key()
		defer k.Close()
		_, err := k.ReadBytes()
		require.NoError(w, err)
		w.Put(path, `{"qps": 6}`)
		synctest.Wait()
		events := make(chan any, 3)
		require.NoError(w, k.Watch(func(event any, err error) { events <- event }))
		require.Equal(w, docentkoanf.Event{Path: path, Exists: true}, <-events)
		data, err := k.ReadBytes()
		require.NoError(w, err)
		require.JSONEq(w, `{"qps": 6}`, string(data))
		data[0] = 'X' // the bytes belong to the caller

		require.ErrorContains(w, k.Watch(nil), "watch "+path+": it is watched already: call Unwatch first")
		require.NoError(w, k.Unwatch())
		require.NoError(w, k.Unwatch())
		synctest.Wait()
		require.NoError(w, k.Watch(func(event any, err error) { events <- event }))
		time.Sleep(time.Hour)
		require.Empty(w, events)
		data, err = k.ReadBytes()
		require.NoError(w, err)
		require.JSONEq(w, `{"qps": 6}`, string(data))
	})
}

// The end of the Manager is reported, and the last value stays.
func TestKey_managerCloses(t *testing.T) {
	run(t, func(w *world) {
		w.Put(path, `{"qps": 5}`)
		a := w.app(w.key(), json.Parser())
		require.NoError(w, w.p.Close())
		require.ErrorIs(w, a.errors(), session.ErrClosed)
		require.NoError(w, a.load())
		a.has(0, map[string]any{"qps": 5.0})
	})
}

func TestKey_cannotBeOpened(t *testing.T) {
	run(t, func(w *world) {
		_, err := docentkoanf.OpenKey(w.Context(), w.p.Manager, path)
		require.ErrorIs(w, err, config.ErrNoValue)
		_, err = docentkoanf.OpenTree(w.Context(), w.p.Manager, "config", docentkoanf.Text())
		require.ErrorContains(w, err, "config")
	})
}

package config_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A codec and a Validate may close what they serve, or the manager.
func TestFault16_CloseInsideTheCodec(t *testing.T) {
	type closing = func(v, sm func() error) error
	for name, closes := range map[string]closing{
		"value":   func(v, _ func() error) error { return v() },
		"manager": func(_, sm func() error) error { return sm() },
	} {
		for _, where := range []string{"Decode", "Validate"} {
			for _, kind := range []string{"value", "tree"} {
				t.Run(name+" in "+where+" of a "+kind, func(t *testing.T) {
					testworld.Run(t, func(w *testworld.World) {
						p := w.Process()
						w.Put("/c", "1")
						w.Put("/c/k", "1")
						var close atomic.Pointer[func() error]
						took := make(chan time.Duration, 1)
						call := func() {
							if f := close.Swap(nil); f != nil {
								start := time.Now()
								require.NoError(t, (*f)())
								took <- time.Since(start)
							}
						}
						codec := config.Text()
						opts := []config.Option[string]{}
						if where == "Decode" {
							decode := codec.Decode
							codec.Decode = func(data []byte) (string, error) { call(); return decode(data) }
						} else {
							opts = append(opts, config.Validate(func(string) error { call(); return nil }))
						}
						var own func() error
						if kind == "value" {
							v, err := config.Open(w.Context(), p.Manager, "/c/k", codec, opts...)
							require.NoError(t, err)
							defer v.Close()
							own = v.Close
						} else {
							v, err := config.OpenTree(w.Context(), p.Manager, "/c", codec, opts...)
							require.NoError(t, err)
							defer v.Close()
							own = v.Close
						}
						f := func() error { return closes(own, p.Close) }
						close.Store(&f)
						w.Put("/c/k", "2")
						select {
						case d := <-took:
							require.LessOrEqual(t, d, 5*time.Second)
						case <-time.After(time.Hour):
							require.Fail(t, "Close hangs")
						}
						synctest.Wait()
					})
				})
			}
		}
	}
}

// A write trims as many old values as fit in its request, and the next write
// goes on.
func TestFault10_HistoryThatIsCutShort(t *testing.T) {
	const limit = 4096
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process(func(cfg *session.Config) { cfg.MaxRequest = limit })
		long := config.NewStore(p.Manager, "/c").History(100)
		for range 100 {
			_, err := long.Put(w.Context(), "k", []byte("old"))
			require.NoError(t, err)
		}
		short := config.NewStore(p.Manager, "/c").History(2)
		kept := 100
		for kept > 2 {
			_, err := short.Put(w.Context(), "k", []byte("new"))
			require.NoError(t, err)
			list, err := long.List(w.Context(), "k")
			require.NoError(t, err)
			require.Less(t, len(list), kept)
			kept = len(list)
		}
	}, zktest.MaxFrame(limit))
}

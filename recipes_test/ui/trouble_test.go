//go:build unix

package ui

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// Two of three servers are stopped. The page, the command and the library
// report it while the third still runs. They are live again when a quorum is
// back.
func TestFault31_EnsembleWithoutAQuorum(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := start(t, 3)
	sm := dial(t, e)
	_, err := sm.Create(within(t), "/key", []byte("1"), session.Persistent)
	require.NoError(t, err)

	reports := make(chan *inspect.Report, 100)
	troubles := make(chan *inspect.TroubleError, 100)
	ctx := t.Context()
	go func() {
		for r, err := range inspect.Changes(ctx, sm, "/") {
			var trouble *inspect.TroubleError
			switch {
			case err == nil:
				reports <- r
			case ctx.Err() != nil:
			case errors.As(err, &trouble):
				troubles <- trouble
			default:
				t.Errorf("an error that is not trouble: %v", err)
			}
		}
	}()
	<-reports
	watch := ensemble.Run(t, nil, "--servers", e.ConnectString(), "inspect", "--watch", "/")
	watch.WaitLine("/key", patience)
	_, url := serve(t, e.ConnectString())
	b := open(t, false)
	b.visit(url + "#recipes")
	b.sees("#state", "live, confirmed ")
	b.sees("#list", "/key")
	b.shot("quorum")

	began := time.Now()
	e.Server(0).Kill()
	e.Server(1).Kill()
	trouble := <-troubles
	t.Logf("after %v: %v", time.Since(began), trouble)
	for !trouble.NoQuorum { // the server that was asked last decides the first message
		trouble = <-troubles
	}
	require.False(t, trouble.Confirmed.IsZero())
	watch.WaitLine("no quorum.*the last print was true at ", patience)
	b.sees("#state", "no quorum")
	b.sees("#state", "What is shown is of ")
	require.Equal(t, "NO QUORUM – docent", run[string](b, "return document.title"))
	require.True(t, run[bool](b, `return document.body.classList.contains("stale")`))
	age := run[string](b, `return document.querySelector("#state-age [data-since]").textContent`)
	ensemble.Eventually(t, patience, "the age goes on", func() bool {
		return run[string](b, `return document.querySelector("#state-age [data-since]").textContent`) != age
	})
	require.Equal(t, "status", run[string](b, `return document.getElementById("state-words").getAttribute("role")`))
	require.Nil(t, run[any](b, `return document.getElementById("state-age").closest("[role=status], [aria-live]")`), "a screen reader reads each second out")
	run[any](b, "scrollTo(0, 9999)")
	require.Less(t, run[float64](b, `return document.getElementById("state").getBoundingClientRect().top`), 100.0, "the trouble scrolls away")
	require.Empty(t, reports)

	e.Server(0).Restart()
	require.NoError(t, e.WaitQuorum(within(t)))
	<-reports
	watch.WaitLine("/key", patience)
	b.sees("#state", "live, confirmed ")
	b.shot("quorum-again")
}

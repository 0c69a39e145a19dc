package queue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// An administrator takes the right to read a claim, its item or both from the
// consumer. Requests that end the claim are lost, or their answers are. The
// claim goes nevertheless, while the session lasts, and another consumer's
// claim of the item stays.
func TestEndOfAHiddenClaim(t *testing.T) {
	ends := map[string]func(*queue.Item) error{
		"Ack":           (*queue.Item).Ack,
		"Release":       func(i *queue.Item) error { return i.Release() },
		"Release After": func(i *queue.Item) error { return i.Release(queue.After(time.Second)) },
		"Reject":        func(i *queue.Item) error { return i.Reject("no") },
	}
	hidden := map[string][]string{"claim": {"/claims"}, "item": {"/items"}, "item and claim": {"/items", "/claims"}}
	for name, end := range ends {
		for what, dirs := range hidden {
			for fault, action := range map[string]zktest.Action{"request": zktest.DropRequest, "answer": zktest.LoseReply} {
				for lost := range 4 {
					if lost == 0 && fault == "answer" {
						continue // no fault
					}
					t.Run(fmt.Sprintf("%s, the %s is hidden, %d times the %s is lost", name, what, lost, fault), func(t *testing.T) {
						testworld.EachRelease(t, func(w *testworld.World, _ zktest.Release) {
							endHidden(w, end, dirs, action, lost)
						})
					})
				}
			}
		}
	}
}

func endHidden(w *testworld.World, end func(*queue.Item) error, dirs []string, action zktest.Action, lost int) {
	p, other := w.Process(), w.Process(testworld.Reader)
	_, err := queue.New(other.Manager, "/q").Put(w.Context(), []byte("x"))
	require.NoError(w, err)
	item, err := queue.New(p.Manager, "/q").Take(w.Context())
	require.NoError(w, err)
	for _, dir := range dirs {
		w.Shut("/q" + dir + "/" + w.Children("/q" + dir)[0])
	}
	id, n := p.Current().ID(), 0
	w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Session == id && (r.Op == zktest.OpMulti || r.Op == zktest.OpDelete) {
			if n++; n <= lost {
				return action
			}
		}
		return zktest.Pass
	})
	if err := end(item); err != nil {
		require.ErrorIs(w, err, session.ErrNoAuth)
		require.Contains(w, dirs, "/items", "the item need not be read")
	}
	require.Empty(w, w.Children("/q/claims"), "the claim is left")
	require.Equal(w, id, p.Current().ID())
}

package naming_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Each node that may not be read is a problem of its own, told once, and the
// other instances come and go.
func TestFault19_UnreadableInstances(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		register(p, at("o1", "h1"))
		for _, id := range []string{"secret1", "secret2"} {
			w.Put(orders+"/"+id, "x")
			w.Fail(zktest.OpGetData, orders+"/"+id, zktest.CodeNoAuth)
		}
		s := watch(w.Process())
		o := observe(w, s)
		require.Equal(w, "[+o1] E E", o.take())
		problems := s.View().Problems
		require.Len(w, problems, 2)
		for i, id := range []string{"secret1", "secret2"} {
			require.ErrorIs(w, problems[i], session.ErrNoAuth)
			require.ErrorContains(w, problems[i], orders+"/"+id)
		}
		register(p, at("o2", "h2"))
		require.Equal(w, "[+o2]", o.take())
		time.Sleep(time.Hour)
		require.Empty(w, o.take(), "told once")
		w.Remove(orders + "/secret1")
		o.take()
		require.Equal(w, problems[1:], s.View().Problems)
	})
}

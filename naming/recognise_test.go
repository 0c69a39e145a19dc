package naming_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/naming"
)

// SetDraining writes into instances alone: any JSON object can be read as one
// that says nothing.
func TestFault25_InstancesAlone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		r := naming.New(w.Process().Manager, naming.Base("/config"))
		for _, data := range []string{`{"qps":2}`, "{}"} {
			w.Put("/config/app/limits", data)
			var malformed *naming.MalformedError
			require.ErrorAs(w, r.SetDraining(w.Context(), "app", "limits", true), &malformed)
			require.Equal(w, data, w.Data("/config/app/limits"))
		}
		w.Put("/config/app/i1", `{"name":"app","id":"i1","address":"10.0.0.1","port":80}`)
		require.NoError(w, r.SetDraining(w.Context(), "app", "i1", true))
	})
}

package config

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
)

// As the version of a request, -1 would stand for any.
func TestHardCase57_VersionMinusOneIsNotCompared(t *testing.T) {
	v := &Value[string]{path: "/a", schema: schema[string]{codec: Text()}}
	_, err := v.write(t.Context(), &proposal[string]{over: base{exists: true, stat: session.Stat{Version: -1}}})
	require.ErrorContains(t, err, "version is -1")
}

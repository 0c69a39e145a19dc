package lock

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/recipe/waitqueue"
)

// Whatever data a contender's znode holds, it is described without a panic, and
// as text.
func FuzzOwner(f *testing.F) {
	for _, data := range []string{"", "10.0.0.7", `{"id":"a","host":"h","pid":7}`, `{"id":7}`, "[]", "null", revokeMessage, "\xff\xfe", "\x1b[31m", `{"id":"\ud800"}`} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := describe(waitqueue.Contender{Path: "/l/x", Data: data})
		require.True(t, utf8.ValidString(c.ID), "%q", c.ID)
		require.True(t, utf8.ValidString(c.Host), "%q", c.Host)
		require.Equal(t, string(data) == revokeMessage, c.Revoked)
	})
}

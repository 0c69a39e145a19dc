package election

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Any bytes are parsed as the name of a node of the layout, or as no request.
func FuzzTransferRequest(f *testing.F) {
	for _, data := range []string{"", "null", `{"node":"_c_0-latch-0000000007"}`, `{"node":"../latch-0000000007"}`, `{"node":7}`, "[]"} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tag := tags[LeaderLatch]
		node := (&requestView{tag: tag}).parse(data)
		require.NotContains(t, node, "/")
		if node != "" {
			require.True(t, strings.Contains(node, tag), "%q", node)
		}
	})
}

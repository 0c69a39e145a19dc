package session_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
)

func TestID_text(t *testing.T) {
	for _, id := range []session.ID{0, 1, 0x1000a2f4c8e0003, -1} {
		text, err := json.Marshal(id)
		require.NoError(t, err)
		var back session.ID
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, id, back)
	}
	require.Equal(t, "0x1000a2f4c8e0003", session.ID(0x1000a2f4c8e0003).String())
	require.Equal(t, "0xffffffffffffffff", session.ID(-1).String())
	require.Equal(t, "0x1f 0x1f 1f 0x1f 31", fmt.Sprintf("%v %s %x %#x %d", session.ID(0x1f), session.ID(0x1f), session.ID(0x1f), session.ID(0x1f), session.ID(0x1f)))
	for _, text := range []string{"", "12", "0x", "0xg", "x12", "0x1000a2f4c8e00030000"} {
		require.Error(t, new(session.ID).UnmarshalText([]byte(text)), text)
	}
}

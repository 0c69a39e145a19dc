package session_test

import (
	"encoding/json"
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
	for _, text := range []string{"", "12", "0x", "0xg", "x12", "0x1000a2f4c8e00030000"} {
		require.Error(t, new(session.ID).UnmarshalText([]byte(text)), text)
	}
}

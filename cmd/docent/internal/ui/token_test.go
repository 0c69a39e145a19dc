package ui

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFault47_PoorTokens(t *testing.T) {
	for _, token := range []string{
		"", "x", "s3cret", "0123456789abcdef01234", strings.Repeat("x", 40), strings.Repeat("ab", 20), "correct horse battery staple",
		"abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba9876543210", "passwordpasswordpassword", "1234567890123456789012345",
		"Zq8vR2mK7xT4bN9cW1Zq8v#", "Zq8vR2mK7xT4bN9cW1Zq8v\n", "Zq8vR2mK7xT4bN9cW1Zq8vé", strings.Repeat(NewToken(), 10),
	} {
		err := CheckToken(token)
		require.Error(t, err, "%q", token)
		require.Contains(t, err.Error(), "openssl rand -hex 16", "%q", token)
		if token != "" && token != "x" {
			require.NotContains(t, err.Error(), token)
		}
	}
	for _, token := range []string{
		lookToken, actToken, "9f86d081884c7d659a2feaa0c55ad015", "3b241101-e2bb-4255-8caf-4136c566a962", "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
	} {
		require.NoError(t, CheckToken(token), token)
	}
	seen := make(map[string]bool)
	for range 1000 {
		token := NewToken()
		require.NoError(t, CheckToken(token))
		require.False(t, seen[token])
		seen[token] = true
	}
}

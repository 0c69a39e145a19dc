//go:build unix

package kerberos

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOwnFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache")
	require.NoError(t, ownFile(file))
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.NoError(t, ownFile(file))
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	require.NoError(t, os.Lchown(file, 12345, -1))
	require.ErrorContains(t, ownFile(file), "belongs to the user with the id 12345")
}

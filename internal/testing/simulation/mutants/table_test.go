package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A mutant without a change would survive for the wrong reason.
func TestEveryMutantApplies(t *testing.T) {
	t.Chdir("../../../..") // the command's directory
	names := make(map[string]bool)
	for _, m := range mutants {
		require.False(t, names[m.name], "two mutants are named %q", m.name)
		names[m.name] = true
		_, err := m.overlay(t.TempDir())
		assert.NoError(t, err, m.name)
	}
	for name := range also {
		require.True(t, names[name], "also changes %q, which is not in the table", name)
	}
}

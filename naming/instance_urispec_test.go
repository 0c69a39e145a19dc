package naming_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
)

func TestURISpecVariableWithoutAName(t *testing.T) {
	for _, text := range []string{"{}", "{ }", "{}{  }"} {
		spec, err := naming.ParseURISpec(text)
		require.NoError(t, err)
		require.Empty(t, spec, "%q", text)
	}
}

package security

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// FIPS mode is the default since ZooKeeper 3.9. A server of 3.9.6 has no
// DIGEST-MD5 in it, and the error says so; a server of 3.9.3 has.
func TestSASLInFIPSMode(t *testing.T) {
	e := ensemble.Start(t, 1, append(withSASL(t), ensemble.Config("fips-mode", "true"))...)
	version, err := e.Server(0).Version()
	require.NoError(t, err)
	sm, err := realSASL(t, e).session(t, "ann", annsPassword)
	accepts, known := map[string]bool{"3.8.0": true, "3.9.3": true, "3.9.6": false}[version]
	if known {
		require.Equal(t, accepts, err == nil, "%s: %v", version, err)
	}
	if err == nil {
		_, _, err = sm.Get(within(t), "/")
		require.NoError(t, err)
		return
	}
	require.ErrorIs(t, err, session.ErrAuth)
	require.ErrorContains(t, err, "set fips-mode=false in zoo.cfg")
}

package security

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// A server in FIPS mode, the default since ZooKeeper 3.9, has no DIGEST-MD5,
// and the error says so. Servers before 3.8.2 do not know the setting.
func TestSASLInFIPSMode(t *testing.T) {
	e := ensemble.Start(t, 1, append(withSASL(t), ensemble.Config("fips-mode", "true"))...)
	version, err := e.Server(0).Version()
	require.NoError(t, err)
	sm, err := realSASL(t, e).session(t, "ann", annsPassword)
	if version == "3.8.0" || version == "3.8.1" {
		require.NoError(t, err)
		_, _, err = sm.Get(within(t), "/")
		require.NoError(t, err)
		return
	}
	require.ErrorIs(t, err, session.ErrAuth)
	require.ErrorContains(t, err, "set fips-mode=false in zoo.cfg")
}

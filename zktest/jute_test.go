package zktest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/docent-go/docent/internal/wire"
)

func TestACLsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		acl := rapid.SliceOf(rapid.Custom(func(t *rapid.T) ACL {
			return ACL{Perms: rapid.Int32().Draw(t, "perms"), Scheme: rapid.String().Draw(t, "scheme"), ID: rapid.String().Draw(t, "id")}
		})).Draw(t, "acl")
		e := newEncoder()
		encodeACLs(e, acl)
		d := wire.NewDecoder(e.Frame()[4:])
		require.Equal(t, acl, decodeACLs(d))
		require.NoError(t, d.Err())
		require.Empty(t, d.Rest())
	})
}

// TestACLsThatLie pins that a false length allocates no more than the record
// holds.
func TestACLsThatLie(t *testing.T) {
	d := wire.NewDecoder([]byte{0x7f, 0xff, 0xff, 0xff, 1, 2, 3})
	require.Empty(t, decodeACLs(d))
	require.Error(t, d.Err())
}

func TestWhatMustBePresent(t *testing.T) {
	d := wire.NewDecoder([]byte{0xff, 0xff, 0xff, 0xff})
	require.Empty(t, present(d).String())
	require.Error(t, d.Err())
}

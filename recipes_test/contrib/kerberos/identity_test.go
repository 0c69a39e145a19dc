//go:build unix

package kerberos

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/contrib/kerberos"
)

// The server's properties shorten the identity.
func TestIdentity(t *testing.T) {
	t.Parallel()
	w := inWorld(t, "-Dzookeeper.kerberos.removeRealmFromPrincipal=true", "-Dzookeeper.kerberos.removeHostFromPrincipal=true")
	w.kdc.admin("addprinc -pw secret report/host1")
	require.Equal(t, "orders", identity(t, w.open(t, w.orders())))
	require.Equal(t, "report", identity(t, w.open(t, kerberos.Password("report/host1@"+realm, "secret", w.login))))
}

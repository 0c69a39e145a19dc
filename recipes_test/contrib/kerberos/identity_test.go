//go:build unix

package kerberos

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/contrib/kerberos"
)

// The server's properties shorten the identity, as the table in
// docs/security.md says. [world.credentials] has the first row.
func TestIdentity(t *testing.T) {
	const (
		noRealm = "-Dzookeeper.kerberos.removeRealmFromPrincipal=true"
		noHost  = "-Dzookeeper.kerberos.removeHostFromPrincipal=true"
	)
	for name, c := range map[string]struct {
		properties      []string
		orders, reports string
	}{
		"no host": {[]string{noHost}, "orders@" + realm, "report@" + realm},
		"neither": {[]string{noRealm, noHost}, "orders", "report"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := inWorld(t, c.properties...)
			w.kdc.admin("addprinc -pw secret report/host1")
			require.Equal(t, c.orders, identity(t, w.open(t, w.orders())))
			require.Equal(t, c.reports, identity(t, w.open(t, kerberos.Password("report/host1@"+realm, "secret", w.login))))
		})
	}
}

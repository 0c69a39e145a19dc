//go:build unix

package kerberos

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/contrib/kerberos"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

func TestKerberos(t *testing.T) {
	w := inWorld(t)
	t.Run("credentials", w.credentials)
}

// Each credential gets a session, with the principal for its identity.
func (w *world) credentials(t *testing.T) {
	orders, billing := "orders@"+realm, "billing@"+realm
	keytab := w.kdc.keytab("billing.keytab", "billing")
	cache := w.kdc.kinit("cache", "orders", ordersPassword)
	for name, c := range map[string]struct {
		m    *kerberos.Mechanism
		want string
	}{
		"password": {kerberos.Password(orders, ordersPassword, w.login), orders},
		"keytab":   {kerberos.Keytab(billing, keytab, w.login), billing},
		"cache":    {kerberos.CCache(cache, w.login), orders},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, identity(t, w.open(t, c.m)))
		})
	}
}

var _ = context.Background
var _ = time.Now
var _ = lock.NewMutex
var _ = ensemble.Run
var _ session.Config

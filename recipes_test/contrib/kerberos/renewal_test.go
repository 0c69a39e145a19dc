//go:build unix

package kerberos

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/contrib/kerberos"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

const brief = "3s" // the lifetime of tickets that a test outlives

// A session outlives its tickets: it logs in on a new connection with a new
// one, and its lock stays held.
func TestRenewal(t *testing.T) {
	t.Parallel()
	w := inWorld(t)
	short := kerberos.Config(w.kdc.write("brief.conf", w.kdc.config(" ticket_lifetime = "+brief+"\n")))
	log := new(lines)
	holders := map[string]*holder{
		"password": w.hold(t, "/password", kerberos.Password("orders@"+realm, ordersPassword, short), nil),
		"keytab":   w.hold(t, "/keytab", kerberos.Keytab("billing@"+realm, w.kdc.keytab("billing.keytab", "billing"), short), nil),
		"cache":    w.hold(t, "/cache", kerberos.CCache(w.kdc.kinit("cache", "orders", ordersPassword, "-l", brief), short), log),
	}
	orders, billing := w.kdc.issued("orders", "zookeeper/localhost"), w.kdc.issued("billing", "zookeeper/localhost")
	require.Positive(t, orders)
	require.Positive(t, billing)

	// The connections break when all tickets have ended.
	w.kdc.kinit("later", "orders", ordersPassword, "-l", brief)
	w.zk.Server(0).Kill()
	ensemble.Eventually(t, patience, "the tickets end", func() bool {
		return w.kdc.command("krb5.conf", "klist", "-s", "-c", w.kdc.path("later")).Run() != nil
	})
	w.restartServer()
	holders["password"].requireHeld(t)
	holders["keytab"].requireHeld(t)
	require.Greater(t, w.kdc.issued("orders", "zookeeper/localhost"), orders)
	require.Greater(t, w.kdc.issued("billing", "zookeeper/localhost"), billing)

	// Another process renews the cache after the first attempts have failed.
	ensemble.Eventually(t, patience, "the expired ticket is reported", func() bool {
		return strings.Contains(log.String(), "run kinit again, or k5start")
	})
	w.kdc.kinit("cache", "orders", ordersPassword)
	holders["cache"].requireHeld(t)

	t.Run("a new key of the server", func(t *testing.T) { w.rekeyed(t, log) })
}

// The server gets a new key. The tickets in memory are for the old one: the
// server rejects them, and new ones are taken.
func (w *world) rekeyed(t *testing.T, log *lines) {
	h := w.hold(t, "/rekeyed", kerberos.Password("orders@"+realm, ordersPassword, w.login), log)
	w.kdc.admin("cpw -randkey zookeeper/localhost")
	fresh := w.kdc.keytab("fresh.keytab", "zookeeper/localhost")
	require.NoError(t, os.Rename(fresh, w.kdc.path("zookeeper.keytab")))
	w.restartServer()
	h.requireHeld(t)
	require.Contains(t, log.String(), "the server rejects the ticket; look into its log")
}

// holder is a session that holds a lock.
type holder struct {
	sm *session.Manager
	*lock.Hold
}

func (w *world) hold(t *testing.T, path string, m *kerberos.Mechanism, log *lines) *holder {
	t.Helper()
	cfg := w.config(m)
	if log != nil {
		cfg.Logger = log.logger()
	}
	sm := ensemble.Dial(t, patience, cfg)
	held, err := lock.NewMutex(sm, path).Lock(within(t))
	require.NoError(t, err)
	return &holder{sm, held}
}

// requireHeld waits for the session's connection. The lock must be held in the
// same session.
func (h *holder) requireHeld(t *testing.T) {
	t.Helper()
	require.NoError(t, h.sm.Sync(within(t), "/"))
	current, err := h.sm.Session(within(t))
	require.NoError(t, err)
	require.Equal(t, h.SessionID(), current.ID)
	require.NoError(t, h.Err())
}

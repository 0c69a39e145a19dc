//go:build unix

package kerberos

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/contrib/kerberos"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// The parts share a KDC and a server. The last ones stop the KDC.
func TestKerberos(t *testing.T) {
	t.Parallel()
	w := inWorld(t)
	t.Run("credentials", w.credentials)
	t.Run("rejected", w.rejected)
	t.Run("creator ACL", w.creatorACL)
	t.Run("skew", w.skew)
	t.Run("KDC away", w.kdcAway)
}

// Each credential gets a session, with the principal for its identity.
func (w *world) credentials(t *testing.T) {
	orders, billing := "orders@"+realm, "billing@"+realm
	w.kdc.admin("addprinc -pw secret noproof") // its ticket is issued without a proof
	w.kdc.admin("addprinc -pw secret -e aes256-cts-hmac-sha384-192:normal +requires_preauth modern")
	w.kdc.admin("addprinc -pw secret -e aes128-cts-hmac-sha1-96:special +requires_preauth salted")
	w.kdc.admin("addprinc -randkey +requires_preauth report/host1")
	keytab := w.kdc.keytab("clients.keytab", "report/host1")
	require.Equal(t, keytab, w.kdc.keytab("clients.keytab", "billing"), "one file for both")
	cache := w.kdc.kinit("cache", "orders", ordersPassword)
	w.kdc.admin("setstr zookeeper/localhost session_enctypes aes256-cts-hmac-sha384-192,aes256-cts-hmac-sha1-96")
	sha2 := kerberos.Config(w.kdc.write("sha2.conf", w.kdc.config(" default_tgs_enctypes = aes256-cts-hmac-sha384-192\n")))
	for name, c := range map[string]struct {
		m    *kerberos.Mechanism
		want string
	}{
		"password, ticket of RFC 8009": {kerberos.Password(orders, ordersPassword, sha2), orders},
		"password":                     {kerberos.Password(orders, ordersPassword, w.login), orders},
		"password, default realm":      {kerberos.Password("orders", ordersPassword, w.login), orders},
		"password, without a proof":    {kerberos.Password("noproof@"+realm, "secret", w.login), "noproof@" + realm},
		"password, key of RFC 8009":    {kerberos.Password("modern@"+realm, "secret", w.login), "modern@" + realm},
		"password, random salt":        {kerberos.Password("salted@"+realm, "secret", w.login), "salted@" + realm},
		"keytab":                       {kerberos.Keytab(billing, keytab, w.login), billing},
		"keytab, name with a host":     {kerberos.Keytab("report/host1@"+realm, keytab, w.login), "report/host1@" + realm},
		"cache":                        {kerberos.CCache(cache, w.login), orders},
		"cache, with its kind":         {kerberos.CCache("FILE:"+cache, w.login), orders},
		"principal of the server":      {kerberos.Keytab(billing, keytab, w.login, kerberos.ServerPrincipal("zookeeper/localhost@"+realm)), billing},
		"name of the server's realm":   {kerberos.Keytab(billing, keytab, w.login, kerberos.ServerPrincipal("zookeeper/_HOST@"+realm)), billing},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, identity(t, w.open(t, c.m)))
		})
	}
}

// A login that cannot succeed ends Dial at once, with a sentence that says what
// to do.
func (w *world) rejected(t *testing.T) {
	w.kdc.admin("addprinc -pw secret +requires_preauth locked")
	w.kdc.admin("modprinc -allow_tix locked")
	w.kdc.admin("addprinc -pw secret -pwexpire yesterday +requires_preauth expired")
	w.kdc.admin("addprinc -randkey +requires_preauth rotated")
	old := w.kdc.keytab("rotated.keytab", "rotated")
	w.kdc.admin("cpw -randkey rotated")
	w.kdc.admin("addprinc -randkey elsewhere/localhost") // a service whose key the server does not have
	cache := w.kdc.kinit("brief", "orders", ordersPassword, "-l", "1s")
	for name, c := range map[string]struct {
		m    *kerberos.Mechanism
		want string
	}{
		"wrong password": {kerberos.Password("orders@"+realm, "guess", w.login),
			"the KDC of DOCENT.TEST rejects orders@DOCENT.TEST (KDC_ERR_PREAUTH_FAILED, \"PREAUTH_FAILED\"): its password is wrong, or the name"},
		"wrong password, without a proof": {kerberos.Password("noproof@"+realm, "guess", w.login),
			"the answer of the KDC of DOCENT.TEST cannot be decrypted for noproof@DOCENT.TEST: its password is wrong, or the name"},
		"unknown principal": {kerberos.Password("nobody@"+realm, "guess", w.login),
			"the KDC of DOCENT.TEST rejects nobody@DOCENT.TEST (KDC_ERR_C_PRINCIPAL_UNKNOWN, \"CLIENT_NOT_FOUND\"): it knows no such principal; check the name and the realm"},
		"unknown realm": {kerberos.Password("orders@ELSEWHERE", "guess", w.login),
			"krb5.conf names no KDC of the realm ELSEWHERE: add kdc lines to its section in [realms], or set dns_lookup_kdc = true"},
		"locked": {kerberos.Password("locked@"+realm, "secret", w.login),
			"(KDC_ERR_CLIENT_REVOKED, \"CLIENT LOCKED OUT\"): it is locked or disabled; ask the realm's administrator"},
		"expired password": {kerberos.Password("expired@"+realm, "secret", w.login),
			"(KDC_ERR_KEY_EXPIRED, \"CLIENT KEY EXPIRED\"): its password has expired; set a new one with kpasswd"},
		"keytab without the key": {kerberos.Keytab("orders@"+realm, old, w.login),
			"the keytab " + old + " has no key for orders@DOCENT.TEST, only for rotated@DOCENT.TEST; export one with: kadmin ktadd -k " + old + " orders@DOCENT.TEST"},
		"keytab with an old key": {kerberos.Keytab("rotated@"+realm, old, w.login),
			"(KDC_ERR_PREAUTH_FAILED, \"PREAUTH_FAILED\"): the KDC has a newer key than the keytab " + old + "; export it again with ktadd"},
		"no keytab": {kerberos.Keytab("orders@"+realm, w.kdc.path("none"), w.login),
			"the keytab cannot be read: stat " + w.kdc.path("none") + ": no such file or directory"},
		"no cache": {kerberos.CCache(w.kdc.path("none"), w.login),
			"there is no credential cache " + w.kdc.path("none") + "; run kinit, or k5start for a program that runs long"},
		"no configuration": {kerberos.CCache(w.kdc.path("none"), kerberos.Config(w.kdc.path("none"))),
			"the Kerberos configuration cannot be read: stat " + w.kdc.path("none") + ": no such file or directory; name another file with kerberos.Config or KRB5_CONFIG"},
		"unknown service": {kerberos.Password("orders@"+realm, ordersPassword, w.login, kerberos.ServerPrincipal("zk/_HOST")),
			"the KDC of DOCENT.TEST gives orders@DOCENT.TEST no ticket for zk/localhost@DOCENT.TEST (KDC_ERR_S_PRINCIPAL_UNKNOWN, \"LOOKING_UP_SERVER\"): it knows no such service; write the servers in session.Config.Servers as their principals name them, or use kerberos.ServerPrincipal or kerberos.CanonicalHost"},
		"another service": {kerberos.Password("orders@"+realm, ordersPassword, w.login, kerberos.ServerPrincipal("elsewhere/_HOST")),
			"the server rejects the ticket; look into its log, and check that its keytab has the newest key of its principal, that the clocks agree, and that the Server section of its JAAS file has Krb5LoginModule"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.try(within(t), c.m)
			require.ErrorIs(t, err, session.ErrAuth)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "\n")
			require.NotContains(t, err.Error(), "guess")
		})
	}
	t.Run("expired ticket", func(t *testing.T) {
		ensemble.Eventually(t, patience, "the ticket ends", func() bool {
			return w.kdc.command("krb5.conf", "klist", "-s", "-c", cache).Run() != nil
		})
		_, err := w.try(within(t), kerberos.CCache(cache, w.login))
		require.ErrorIs(t, err, session.ErrAuth)
		require.ErrorContains(t, err, "the ticket of orders@DOCENT.TEST in "+cache+" expired at ")
		require.ErrorContains(t, err, "run kinit again, or k5start for a program that runs long")
	})
}

// What a login creates is closed to other principals.
func (w *world) creatorACL(t *testing.T) {
	orders := w.open(t, w.orders())
	billing := w.open(t, kerberos.Keytab("billing@"+realm, w.kdc.keytab("billing.keytab", "billing"), w.login))
	held, err := lock.NewMutex(orders, "/acl").Lock(within(t))
	require.NoError(t, err)
	_, err = lock.NewMutex(billing, "/acl").TryLock(within(t))
	require.ErrorIs(t, err, session.ErrNoAuth)
	require.NoError(t, held.Release())

	// An ACL names a principal of Kerberos as the server does.
	shared := w.config(w.orders())
	shared.ACL = []session.ACL{
		{Perms: session.PermAll, Scheme: "sasl", ID: "orders@" + realm},
		{Perms: session.PermAll, Scheme: "sasl", ID: "billing@" + realm},
	}
	sm := ensemble.Dial(t, patience, shared)
	held, err = lock.NewMutex(sm, "/shared/lock").Lock(within(t))
	require.NoError(t, err)
	require.NoError(t, held.Release())
	taken, err := lock.NewMutex(billing, "/shared/lock").TryLock(within(t))
	require.NoError(t, err)
	require.NoError(t, taken.Release())
}

// A KDC that tolerates a difference of less than no seconds takes every clock
// for a wrong one.
func (w *world) skew(t *testing.T) {
	w.kdc.write("skew.conf", w.kdc.config(" clockskew = -1\n"))
	cache := w.kdc.kinit("cache", "orders", ordersPassword)
	w.kdc.stop()
	w.kdc.start("skew.conf")
	defer func() {
		w.kdc.stop()
		w.kdc.start("krb5.conf")
	}()
	for name, m := range map[string]*kerberos.Mechanism{"password": w.orders(), "cache": kerberos.CCache(cache, w.login)} {
		t.Run(name, func(t *testing.T) {
			_, err := w.try(within(t), m)
			require.ErrorIs(t, err, session.ErrAuth)
			require.ErrorContains(t, err, "this machine's clock is ")
			require.ErrorContains(t, err, " the clock of the KDC of DOCENT.TEST (KRB_AP_ERR_")
			require.ErrorContains(t, err, "synchronize the clocks")
		})
	}
}

// While the KDC is away, Dial waits for it until ctx ends, and sessions live on:
// the tickets in memory are still good.
func (w *world) kdcAway(t *testing.T) {
	sm := w.open(t, w.orders())
	held, err := lock.NewMutex(sm, "/away/lock").Lock(within(t))
	require.NoError(t, err)
	w.kdc.stop()

	before := held.SessionID()
	w.restartServer()
	require.NoError(t, sm.Sync(within(t), "/"))
	current, err := sm.Session(within(t))
	require.NoError(t, err)
	require.Equal(t, before, current.ID)
	require.NoError(t, held.Err())
	require.NoError(t, held.Release())

	log := new(lines)
	cfg := w.config(w.orders())
	cfg.Timeout, cfg.Logger = 4*time.Second, log.logger() // a short limit for each attempt
	ctx, cancel := context.WithCancel(within(t))
	type dialled struct {
		sm  *session.Manager
		err error
	}
	result := make(chan dialled, 1)
	go func() {
		sm, err := session.Dial(ctx, cfg)
		result <- dialled{sm, err}
	}()
	ensemble.Eventually(t, patience, "the KDC is missed", func() bool {
		return strings.Contains(log.String(), "no KDC of the realm DOCENT.TEST answers ("+w.kdc.addr+": connect: connection refused); check the network, and the realm's kdc lines in krb5.conf")
	})
	w.kdc.start("krb5.conf")
	got := <-result
	cancel()
	require.NoError(t, got.err)
	got.sm.Close()
}

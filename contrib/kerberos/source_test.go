package kerberos

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
)

var _ session.SASLMechanism = (*Mechanism)(nil)

func TestValidate(t *testing.T) {
	for _, m := range []*Mechanism{
		Keytab("orders@R", "/etc/orders.keytab"), Password("orders", "secret"), CCache(""),
		Password("orders@R", "secret", Config("/x"), CanonicalHost(), ServerPrincipal("zk/_HOST@R")),
	} {
		require.NoError(t, m.Validate())
	}
	for want, m := range map[string]*Mechanism{
		`kerberos.Keytab: the principal "" has no name; write NAME@REALM`:                        Keytab("", "/etc/orders.keytab"),
		"kerberos.Keytab: the name of the keytab file is empty":                                  Keytab("orders@R", ""),
		"kerberos.Password: the password is empty":                                               Password("orders@R", ""),
		`kerberos.Password: the principal "a@b@c" has two realms; write NAME@REALM`:              Password("a@b@c", "secret"),
		`kerberos.ServerPrincipal: the principal "zk/" has an empty part; write NAME@REALM`:      CCache("", ServerPrincipal("zk/")),
		`kerberos.ServerPrincipal: the principal "zk/a@" has no realm after @; write NAME@REALM`: CCache("", ServerPrincipal("zk/a@")),
	} {
		require.EqualError(t, m.Validate(), want)
	}
}

// No verb prints a secret.
func TestFormat(t *testing.T) {
	m := Password("orders@R", "secret")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		require.Equal(t, "kerberos.Password(…)", fmt.Sprintf(verb, m))
		require.NotContains(t, fmt.Sprintf(verb, m.source), "secret")
	}
}

func TestKeytab(t *testing.T) {
	const sha1, sha2 = etypeID.AES256_CTS_HMAC_SHA1_96, etypeID.AES128_CTS_HMAC_SHA256_128
	kt := keytab.New()
	at := time.Unix(1000, 0)
	for _, e := range []struct {
		name    string
		version uint8
		etype   int32
	}{{"orders", 2, sha1}, {"orders", 3, sha1}, {"orders", 3, sha2}, {"orders", 1, sha1}, {"billing", 9, sha1}, {"old", 1, etypeID.DES3_CBC_SHA1_KD}} {
		require.NoError(t, kt.AddEntry(e.name, testRealm, "secret", at, e.version, e.etype))
	}
	data, err := kt.Marshal()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "keytab")
	require.NoError(t, os.WriteFile(file, data, 0o600))
	cfg := config.New()
	cfg.LibDefaults.DefaultRealm = testRealm
	open := func(name string) (secret, error) {
		c, err := keytabSource{name, file}.open(t.Context(), cfg)
		if err != nil {
			return secret{}, err
		}
		return c.(secret), nil
	}
	s, err := open("orders")
	require.NoError(t, err)
	require.Equal(t, []int32{sha1, sha2}, s.etypes)
	for _, e := range s.etypes {
		_, version, err := s.credentials.Keytab().GetEncryptionKey(s.principal.wire(), testRealm, 0, e)
		require.NoError(t, err)
		require.Equal(t, 3, version, "the newest key, whatever the time stamps")
	}
	_, err = open("nobody")
	require.ErrorContains(t, err, "has no key for nobody@EXAMPLE.COM, only for billing@EXAMPLE.COM, old@EXAMPLE.COM, orders@EXAMPLE.COM; export one with")
	cfg.LibDefaults.DefaultTktEnctypes, cfg.LibDefaults.DefaultTktEnctypeIDs = []string{"aes128-cts"}, []int32{etypeID.AES128_CTS_HMAC_SHA1_96}
	_, err = open("billing")
	require.ErrorContains(t, err, "has keys of the types aes256-cts-hmac-sha1-96 for billing@EXAMPLE.COM, and default_tkt_enctypes of krb5.conf allows aes128-cts-hmac-sha1-96")
	cfg.LibDefaults.DefaultRealm = ""
	_, err = open("orders")
	require.ErrorContains(t, err, `the principal "orders" has no realm, and krb5.conf sets no default_realm`)

	for n := 0; n < len(data); n += 7 { // a part of a keytab
		require.NoError(t, os.WriteFile(file, data[:n], 0o600))
		_, err := open("orders@" + testRealm)
		if err != nil {
			require.NotContains(t, err.Error(), string(data[len(data)-20:]), "no bytes of the file")
		}
	}
}

// cacheWriter writes a credential cache of version 4.
type cacheWriter struct{ data []byte }

func (w *cacheWriter) number(n int) { w.data = binary.BigEndian.AppendUint32(w.data, uint32(n)) }

func (w *cacheWriter) text(s string) {
	w.number(len(s))
	w.data = append(w.data, s...)
}

func (w *cacheWriter) principal(realm string, name ...string) {
	w.number(1)
	w.number(len(name))
	w.text(realm)
	for _, part := range name {
		w.text(part)
	}
}

func (w *cacheWriter) credential(sealed []byte, ends time.Time, realm string, server ...string) {
	w.principal(testRealm, "orders")
	w.principal(realm, server...)
	w.data = binary.BigEndian.AppendUint16(w.data, uint16(etypeID.AES256_CTS_HMAC_SHA1_96))
	w.text("12345678901234567890123456789012")
	for range 2 {
		w.number(int(ends.Unix()) - 60)
	}
	w.number(int(ends.Unix()))
	w.number(0)
	w.data = append(w.data, 0, 0, 0, 0, 0) // is_skey, flags
	w.number(0)                            // addresses
	w.number(0)                            // authorization data
	w.text(string(sealed))
	w.number(0) // second ticket
}

// cacheOf returns a cache with ticket-granting tickets that end at the times.
func cacheOf(t *testing.T, ends ...time.Time) []byte {
	t.Helper()
	tk := issue(t, granting, etypeID.AES256_CTS_HMAC_SHA1_96, time.Hour)
	sealed, err := tk.sealed.Marshal()
	require.NoError(t, err)
	w := &cacheWriter{data: []byte{5, 4, 0, 12, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0}}
	w.principal(testRealm, "orders")
	w.credential(nil, time.Time{}, "X-CACHECONF:", "krb5_ccache_conf_data", "fast_avail")
	w.credential(sealed, time.Unix(4e9, 0), "OTHER", "krbtgt", testRealm)
	for _, end := range ends {
		w.credential(sealed, end, testRealm, "krbtgt", testRealm)
	}
	return w.data
}

func TestCCache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache")
	soon, late := time.Unix(time.Now().Unix()+100, 0), time.Unix(time.Now().Unix()+200, 0)
	data := cacheOf(t, soon, late, soon)
	require.NoError(t, os.WriteFile(file, data, 0o600))
	c, err := readCCache(file)
	require.NoError(t, err)
	require.Equal(t, client, c.client())
	tk, err := c.grant(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, late, tk.ends, "the ticket that lasts longest")

	whole := 0
	for n := range data { // another process is writing
		c, err := parseCCache(file, data[:n:n])
		if err == nil {
			require.Equal(t, client, c.client())
			whole++
			continue
		}
		require.ErrorIs(t, err, errTorn)
	}
	require.Equal(t, 2, whole, "after the first ticket, and after the second")

	c, err = parseCCache(file, cacheOf(t, time.Now().Add(-time.Hour)))
	require.NoError(t, err)
	_, err = c.grant(t.Context(), nil)
	require.ErrorContains(t, err, "run kinit again, or k5start")
	_, err = readCCache(filepath.Dir(file))
	require.ErrorContains(t, err, "is not a regular file")
}

// A cache that another process is writing is read again.
func TestCCache_torn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	synctest.Test(t, func(t *testing.T) {
		data := cacheOf(t, time.Now().Add(time.Hour))
		time.AfterFunc(2*tornPause+tornPause/2, func() {
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Error(err)
			}
		})
		c, err := ccacheSource{file}.open(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, client, c.client())

		require.NoError(t, os.WriteFile(file, data[:30], 0o600))
		_, err = ccacheSource{file}.open(t.Context(), nil)
		require.ErrorContains(t, err, "is not a cache file, or only a part of one; run kinit again")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = ccacheSource{file}.open(ctx, nil)
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestCCache_path(t *testing.T) {
	t.Setenv("KRB5CCNAME", "FILE:/run/tickets")
	for name, want := range map[string]string{"": "/run/tickets", "/x": "/x", "FILE:/y": "/y", "WRFILE:z": "z"} {
		got, err := ccacheSource{name}.path()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, name := range []string{"KEYRING:persistent:0", "KCM:", "DIR:/x", "MEMORY:a", "API:b"} {
		_, err := ccacheSource{name}.path()
		require.ErrorContains(t, err, "only files can be read; run kinit -c FILE:/PATH")
	}
	t.Setenv("KRB5CCNAME", "")
	got, err := ccacheSource{}.path()
	if err != nil { // the file of this machine's user, if another one owns it
		require.ErrorContains(t, err, "belongs to the user")
		return
	}
	require.Equal(t, fmt.Sprintf("/tmp/krb5cc_%d", os.Getuid()), got)
}

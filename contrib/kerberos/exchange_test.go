package kerberos

import (
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/stretchr/testify/require"
)

// run runs a login up to the first error. proved says whether the exchange has
// reported its success.
func run(t *testing.T, etype int32, change func(a *acceptor)) (proved bool, err error) {
	t.Helper()
	tk := issue(t, zk1, etype, time.Hour)
	a := &acceptor{tb: t, key: tk.key, layers: 7}
	change(a)
	x, err := newExchange(tk, func() { proved = true })
	if err != nil {
		return false, err
	}
	token, done, err := x.Next(nil)
	require.NoError(t, err)
	require.False(t, done)
	token, done, err = x.Next(a.reply(token))
	if err != nil {
		return proved, err
	}
	require.False(t, done)
	require.NotNil(t, token, "an empty token is sent")
	require.Empty(t, token)
	token, done, err = x.Next(a.offer())
	if err != nil {
		return proved, err
	}
	require.False(t, done)
	a.requireChoice(token)
	require.False(t, proved)
	_, done, err = x.Next(nil)
	require.NoError(t, err)
	require.True(t, done)
	_, _, err = x.Next(nil)
	require.ErrorContains(t, err, "the login has ended")
	return proved, nil
}

func TestExchange(t *testing.T) {
	for name, c := range map[string]struct {
		etype  int32
		change func(a *acceptor)
	}{
		"AES-256":           {etypeID.AES256_CTS_HMAC_SHA1_96, func(*acceptor) {}},
		"AES-128":           {etypeID.AES128_CTS_HMAC_SHA1_96, func(*acceptor) {}},
		"AES-128, RFC 8009": {etypeID.AES128_CTS_HMAC_SHA256_128, func(*acceptor) {}},
		"AES-256, RFC 8009": {etypeID.AES256_CTS_HMAC_SHA384_192, func(*acceptor) {}},
		"the server's key": {etypeID.AES256_CTS_HMAC_SHA1_96, func(a *acceptor) {
			key := newKey(etypeID.AES128_CTS_HMAC_SHA256_128)
			a.subkey = &key
		}},
		"a rotated token": {etypeID.AES256_CTS_HMAC_SHA1_96, func(a *acceptor) { a.rotate = 12 }},
		"no layer alone":  {etypeID.AES256_CTS_HMAC_SHA1_96, func(a *acceptor) { a.layers = noLayer }},
	} {
		t.Run(name, func(t *testing.T) {
			proved, err := run(t, c.etype, c.change)
			require.NoError(t, err)
			require.True(t, proved)
		})
	}
}

func TestExchange_rejected(t *testing.T) {
	aes := etypeID.AES256_CTS_HMAC_SHA1_96
	for name, c := range map[string]struct {
		etype  int32
		change func(a *acceptor)
		want   string
	}{
		"another time in the proof": {aes, func(a *acceptor) { a.late = time.Second }, errUnproven.Error()},
		"layers alone":              {aes, func(a *acceptor) { a.layers = 6 }, "the server demands that requests be signed or encrypted"},
		"another number":            {aes, func(a *acceptor) { a.seq = 1 }, errToken.Error()},
		"an encrypted token":        {aes, func(a *acceptor) { a.flags = sealed }, errToken.Error()},
		"the wrong key's flag":      {aes, func(a *acceptor) { a.flags = acceptorSubkey }, errToken.Error()},
		"RC4 in the ticket":         {etypeID.RC4_HMAC, func(*acceptor) {}, "a session key of the type arcfour-hmac-md5, and AES is needed"},
		"RC4 of the server": {aes, func(a *acceptor) {
			key := newKey(etypeID.RC4_HMAC)
			a.subkey = &key
		},
			"the server chooses a key of the type arcfour-hmac-md5, and AES is needed"},
	} {
		t.Run(name, func(t *testing.T) {
			proved, err := run(t, c.etype, c.change)
			require.ErrorContains(t, err, c.want)
			require.False(t, proved)
		})
	}
}

// started is a login that waits for the server's first token, and its acceptor.
func started(tb testing.TB) (x *exchange, a *acceptor, reply []byte) {
	tb.Helper()
	tk := issue(tb, zk1, etypeID.AES256_CTS_HMAC_SHA1_96, time.Hour)
	x, err := newExchange(tk, func() {})
	require.NoError(tb, err)
	token, _, err := x.Next(nil)
	require.NoError(tb, err)
	a = &acceptor{tb: tb, key: tk.key, layers: 7}
	return x, a, a.reply(token)
}

func TestExchange_firstTokens(t *testing.T) {
	krb := messages.NewKRBError(zk1.wire(), zk1.realm, errorcode.KRB_AP_ERR_MODIFIED, "wrong key")
	body, err := krb.Marshal()
	require.NoError(t, err)
	for want, token := range map[string][]byte{
		"the server answers without a token: the Server section of its JAAS file must have Krb5LoginModule": nil,
		"malformed": {1, 2, 3},
		"the server rejects the ticket of orders@EXAMPLE.COM (KRB_AP_ERR_MODIFIED, \"wrong key\")": frame(tokenError, body),
	} {
		x, _, _ := started(t)
		_, _, err := x.Next(token)
		require.ErrorContains(t, err, want)
	}
	// The proof of another server does not count.
	x, _, _ := started(t)
	_, _, foreign := started(t)
	_, _, err = x.Next(foreign)
	require.ErrorIs(t, err, errUnproven)

	x, a, reply := started(t)
	_, _, err = x.Next(reply)
	require.NoError(t, err)
	_, _, err = x.Next(a.offer())
	require.NoError(t, err)
	_, _, err = x.Next([]byte("more"))
	require.ErrorIs(t, err, errToken)
}

// FuzzTokens answers with hostile tokens. Only the server's own tokens go on.
func FuzzTokens(f *testing.F) {
	_, a, reply := started(f)
	f.Add(reply, a.offer())
	f.Add(reply[:20], a.offer()[:17])
	f.Add(frame(tokenError, nil), []byte{})
	f.Add(frame(tokenAPRep, reply[15:40]), []byte{5, 4, 1, 255, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		x, _, _ := started(t)
		_, done, err := x.Next(first)
		require.Error(t, err, "no fuzzer finds the proof")
		require.False(t, done)
		require.NotContains(t, err.Error(), "\n")

		x, _, own := started(t)
		_, _, err = x.Next(own)
		require.NoError(t, err)
		_, done, err = x.Next(second)
		require.Error(t, err)
		require.False(t, done)
	})
}

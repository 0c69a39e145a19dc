package kerberos

import (
	"context"
	"testing"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/stretchr/testify/require"
)

// demand is a KDC's demand for a proof.
func demand(tb testing.TB, info ...types.ETypeInfo2Entry) messages.KRBError {
	tb.Helper()
	value, err := asn1.Marshal(types.ETypeInfo2(info))
	require.NoError(tb, err)
	data, err := asn1.Marshal(types.PADataSequence{{PADataType: patype.PA_ETYPE_INFO2, PADataValue: value}, {PADataType: patype.PA_ENC_TIMESTAMP}})
	require.NoError(tb, err)
	e := messages.NewKRBError(granting.wire(), testRealm, errorcode.KDC_ERR_PREAUTH_REQUIRED, "")
	e.EData = data
	return e
}

func passwordOf(tb testing.TB) credential {
	tb.Helper()
	s, err := passwordSource{client.String(), func() string { return "secret" }}.open(tb.Context(), config.New())
	require.NoError(tb, err)
	return s
}

// A KDC, or an attacker in its place, sends demands that would crash the library
// or keep it busy.
func TestGrant_demands(t *testing.T) {
	const aes = etypeID.AES256_CTS_HMAC_SHA1_96
	krb := demand(t)
	krb.EData = nil
	noStamp := demand(t)
	data, err := asn1.Marshal(types.PADataSequence{{PADataType: patype.PA_PK_AS_REQ}})
	require.NoError(t, err)
	noStamp.EData = data
	for want, e := range map[string]messages.KRBError{
		"asks for a proof that cannot be read":    krb,
		"malformed key information":               demand(t),
		"more than 262144 iterations":             demand(t, types.ETypeInfo2Entry{EType: aes, S2KParams: []byte{0, 4, 0, 1}}),
		"than 262144 iterations to derive a key":  demand(t, types.ETypeInfo2Entry{EType: aes, S2KParams: []byte{0, 0, 0, 0}}),
		"does not accept an encrypted time stamp": noStamp,
		"the KDC has no key of the types ":        demand(t, types.ETypeInfo2Entry{EType: etypeID.CAMELLIA256_CTS_CMAC}),
	} {
		k := &kdc{config.New(), func(context.Context, string, []byte) ([]byte, error) { return nil, e }}
		_, err := passwordOf(t).grant(t.Context(), k)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret")
	}
}

// The proof has the first type of the KDC's that the client has too.
func TestGrant_proof(t *testing.T) {
	const aes = etypeID.AES128_CTS_HMAC_SHA1_96
	asked := 0
	k := &kdc{config.New(), func(_ context.Context, _ string, request []byte) ([]byte, error) {
		asked++
		if asked == 1 {
			return nil, demand(t, types.ETypeInfo2Entry{EType: etypeID.CAMELLIA256_CTS_CMAC}, types.ETypeInfo2Entry{EType: aes, Salt: "salt"})
		}
		var proof messages.ASReq
		require.NoError(t, proof.Unmarshal(request))
		require.Len(t, proof.PAData, 1)
		var sealed types.EncryptedData
		require.NoError(t, sealed.Unmarshal(proof.PAData[0].PADataValue))
		require.EqualValues(t, aes, sealed.EType)
		return nil, messages.NewKRBError(granting.wire(), testRealm, errorcode.KDC_ERR_PREAUTH_FAILED, "")
	}}
	_, err := passwordOf(t).grant(t.Context(), k)
	require.EqualError(t, err, "the KDC of EXAMPLE.COM rejects orders@EXAMPLE.COM (KDC_ERR_PREAUTH_FAILED): its password is wrong, or the name")
	require.Equal(t, 2, asked)
}

// FuzzReplies answers a login with hostile bytes, and with hostile demands.
func FuzzReplies(f *testing.F) {
	tk := issue(f, granting, etypeID.AES256_CTS_HMAC_SHA1_96, lifetime)
	reply := messages.ASRep{KDCRepFields: messages.KDCRepFields{
		PVNO: 5, MsgType: 11, CRealm: testRealm, CName: client.wire(), Ticket: tk.sealed, EncPart: types.EncryptedData{EType: 18, Cipher: []byte("short")},
		PAData: types.PADataSequence{{PADataType: patype.PA_ETYPE_INFO2, PADataValue: []byte{48, 0}}},
	}}
	body, err := reply.Marshal()
	require.NoError(f, err)
	f.Add(body, []byte{48, 0})
	f.Add([]byte{}, demand(f, types.ETypeInfo2Entry{EType: 18, S2KParams: []byte{0, 0, 16}}).EData)
	s := passwordOf(f)
	f.Fuzz(func(t *testing.T, reply, data []byte) {
		k := &kdc{config.New(), func(context.Context, string, []byte) ([]byte, error) { return reply, nil }}
		_, err := s.grant(t.Context(), k)
		require.Error(t, err, "no fuzzer finds the key")
		_, err = k.exchange(t.Context(), tk, zk1)
		require.Error(t, err)
		e := messages.NewKRBError(granting.wire(), testRealm, errorcode.KDC_ERR_PREAUTH_REQUIRED, "")
		e.EData = data
		k.ask = func(context.Context, string, []byte) ([]byte, error) { return nil, e }
		_, err = s.grant(t.Context(), k)
		require.Error(t, err)
	})
}

package kerberos

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/asnAppTag"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/stretchr/testify/require"
)

const testRealm = "EXAMPLE.COM"

var (
	client   = principal{"orders", testRealm}
	zk1      = principal{"zookeeper/zk1", testRealm}
	granting = grantingName(testRealm, testRealm)
)

// services has the keys of the servers and of the KDC.
var services = sync.OnceValue(func() *keytab.Keytab {
	kt := keytab.New()
	for _, p := range []principal{zk1, granting} {
		if err := kt.AddEntry(p.name, p.realm, "key of "+p.name, time.Unix(1, 0), 1, etypeID.AES256_CTS_HMAC_SHA1_96); err != nil {
			panic(err)
		}
	}
	return kt
})

// newKey returns a random key. The library's own function makes keys of
// AES-256 with SHA-384 that are too short.
func newKey(etype int32) types.EncryptionKey {
	size := 32
	switch etype {
	case etypeID.AES128_CTS_HMAC_SHA1_96, etypeID.AES128_CTS_HMAC_SHA256_128, etypeID.RC4_HMAC:
		size = 16
	}
	key := types.EncryptionKey{KeyType: etype, KeyValue: make([]byte, size)}
	rand.Read(key.KeyValue) // never fails
	return key
}

// issue makes a ticket for a server.
func issue(tb testing.TB, server principal, etype int32, life time.Duration) ticket {
	tb.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	sealed, key, err := messages.NewTicket(client.wire(), client.realm, server.wire(), server.realm, types.NewKrbFlags(),
		services(), etypeID.AES256_CTS_HMAC_SHA1_96, 1, now, now, now.Add(life), now)
	require.NoError(tb, err)
	if etype != key.KeyType {
		key = newKey(etype)
	}
	return ticket{sealed, key, client, server.realm, now.Add(life)}
}

// acceptor is the server's side of a login. Its fields change what it sends.
type acceptor struct {
	tb     testing.TB
	key    types.EncryptionKey // of the ticket
	subkey *types.EncryptionKey

	late   time.Duration // added to the time in the proof
	layers byte
	seq    uint64 // added to the number of the offer
	flags  byte   // of the offer, besides that of the acceptor
	rotate int

	proof types.Authenticator
}

const acceptorSeq = 77

// reply answers the client's first token.
func (a *acceptor) reply(token []byte) []byte {
	a.tb.Helper()
	kind, body, err := unframe(token)
	require.NoError(a.tb, err)
	require.Equal(a.tb, tokenAPReq, kind)
	var request messages.APReq
	require.NoError(a.tb, request.Unmarshal(body))
	ok, err := request.Verify(services(), time.Minute, types.HostAddress{}, nil)
	if a.key.KeyType == etypeID.AES256_CTS_HMAC_SHA1_96 { // the ticket has this key
		require.NoError(a.tb, err)
		require.True(a.tb, ok)
	}
	require.NoError(a.tb, request.DecryptAuthenticator(a.key))
	a.proof = request.Authenticator
	require.Equal(a.tb, client.realm, a.proof.CRealm)
	require.EqualValues(a.tb, gssFlags, binary.LittleEndian.Uint32(a.proof.Cksum.Checksum[20:]))

	part := messages.EncAPRepPart{CTime: a.proof.CTime.Add(a.late), Cusec: a.proof.Cusec, SequenceNumber: acceptorSeq}
	if a.subkey != nil {
		part.Subkey = *a.subkey
	}
	plain, err := asn1.Marshal(part)
	require.NoError(a.tb, err)
	sealed, err := crypto.GetEncryptedData(asn1tools.AddASNAppTag(plain, asnAppTag.EncAPRepPart), a.key, keyusage.AP_REP_ENCPART, 0)
	require.NoError(a.tb, err)
	answer, err := asn1.Marshal(messages.APRep{PVNO: 5, MsgType: msgtype.KRB_AP_REP, EncPart: sealed})
	require.NoError(a.tb, err)
	return frame(tokenAPRep, asn1tools.AddASNAppTag(answer, asnAppTag.APREP))
}

func (a *acceptor) contextKey() (key types.EncryptionKey, flag byte) {
	if a.subkey != nil {
		return *a.subkey, acceptorSubkey
	}
	return a.key, 0
}

// offer returns the token with the layers.
func (a *acceptor) offer() []byte {
	a.tb.Helper()
	key, flag := a.contextKey()
	kind, err := crypto.GetEtype(key.KeyType)
	require.NoError(a.tb, err)
	w := gssapi.WrapToken{
		Flags: 1 | flag | a.flags, EC: uint16(kind.GetHMACBitLength() / 8), SndSeqNum: acceptorSeq + a.seq,
		Payload: []byte{a.layers, 0, 16, 0},
	}
	require.NoError(a.tb, w.SetCheckSum(key, keyusage.GSSAPI_ACCEPTOR_SEAL))
	token, err := w.Marshal()
	require.NoError(a.tb, err)
	body := token[gssapi.HdrLen:]
	n := a.rotate % len(body)
	rotated := append(append(append([]byte{}, token[:gssapi.HdrLen]...), body[len(body)-n:]...), body[:len(body)-n]...)
	binary.BigEndian.PutUint16(rotated[6:], uint16(a.rotate))
	return rotated
}

// requireChoice checks the client's last token.
func (a *acceptor) requireChoice(token []byte) {
	a.tb.Helper()
	key, flag := a.contextKey()
	var w gssapi.WrapToken
	require.NoError(a.tb, w.Unmarshal(token, false))
	ok, err := w.Verify(key, keyusage.GSSAPI_INITIATOR_SEAL)
	require.NoError(a.tb, err)
	require.True(a.tb, ok)
	require.Equal(a.tb, []byte{noLayer, 0, 0, 0}, w.Payload)
	require.Equal(a.tb, flag, w.Flags)
	require.EqualValues(a.tb, a.proof.SeqNumber, w.SndSeqNum)
}

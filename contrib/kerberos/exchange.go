package kerberos

import (
	"bytes"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/chksumtype"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// exchange is a login with one ticket (RFC 4752): AP-REQ, AP-REP, an empty
// token, the server's offer of security layers, the choice of no layer.
type exchange struct {
	ticket ticket
	proof  types.Authenticator
	proved func() // called when the server has accepted the login

	next   func(token []byte) (response []byte, done bool, err error)
	key    types.EncryptionKey // of the context: of the acceptor, or else of the ticket
	subkey bool                // the key is the acceptor's
	theirs uint64              // the server's next sequence number
}

func newExchange(t ticket, proved func()) (*exchange, error) {
	if !isAES(t.key.KeyType) {
		return nil, fmt.Errorf("the ticket for the server has a session key of the type %s, and AES is needed",
			etypeNames([]int32{t.key.KeyType}))
	}
	x := &exchange{ticket: t, proved: proved}
	x.next = x.begin
	return x, nil
}

// Next implements session.SASLExchange.
func (x *exchange) Next(token []byte) (response []byte, done bool, err error) {
	err = guard(func() (err error) {
		response, done, err = x.next(token)
		return err
	})
	if err != nil {
		x.next = ended
		return nil, false, err
	}
	return response, done, nil
}

func ended([]byte) ([]byte, bool, error) { return nil, false, errors.New("the login has ended") }

// gssFlags ask for mutual authentication, for wrap tokens and for their order.
const gssFlags = gssapi.ContextFlagMutual | gssapi.ContextFlagInteg | gssapi.ContextFlagSequence

// begin returns the ticket and the proof that the client has its key.
func (x *exchange) begin([]byte) ([]byte, bool, error) {
	proof, err := types.NewAuthenticator(x.ticket.client.realm, x.ticket.client.wire())
	if err != nil {
		return nil, false, err
	}
	proof.Cksum = types.Checksum{CksumType: chksumtype.GSSAPI, Checksum: gssChecksum()}
	request, err := messages.NewAPReq(x.ticket.sealed, x.ticket.key, proof)
	if err != nil {
		return nil, false, err
	}
	types.SetFlag(&request.APOptions, flags.APOptionMutualRequired)
	body, err := request.Marshal()
	if err != nil {
		return nil, false, err
	}
	x.proof, x.next = proof, x.acceptServer
	return frame(tokenAPReq, body), false, nil
}

// gssChecksum holds the flags, and no channel binding (RFC 4121, section 4.1.1).
func gssChecksum() []byte {
	const bindings = 16
	b := binary.LittleEndian.AppendUint32(nil, bindings)
	b = append(b, make([]byte, bindings)...)
	return binary.LittleEndian.AppendUint32(b, gssFlags)
}

// oidKrb5 is 1.2.840.113554.1.2.2 in DER.
var oidKrb5 = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02}

// Kinds of tokens (RFC 4121, section 4.1).
var (
	tokenAPReq = [2]byte{1, 0}
	tokenAPRep = [2]byte{2, 0}
	tokenError = [2]byte{3, 0}
)

// frame writes a token with its GSS-API header.
func frame(kind [2]byte, body []byte) []byte {
	return asn1tools.AddASNAppTag(bytes.Join([][]byte{oidKrb5, kind[:], body}, nil), 0)
}

var errToken = errors.New("the server's token is malformed")

// unframe reads a token with a GSS-API header.
func unframe(token []byte) (kind [2]byte, body []byte, err error) {
	var outer asn1.RawValue
	rest, err := asn1.Unmarshal(token, &outer)
	if err != nil || len(rest) > 0 || outer.Class != asn1.ClassApplication || outer.Tag != 0 {
		return kind, nil, errToken
	}
	inner, ok := bytes.CutPrefix(outer.Bytes, oidKrb5)
	if !ok || len(inner) < len(kind) {
		return kind, nil, errToken
	}
	return [2]byte(inner[:2]), inner[2:], nil
}

// acceptServer reads the server's proof that it has its key.
func (x *exchange) acceptServer(token []byte) ([]byte, bool, error) {
	if len(token) == 0 {
		return nil, false, errors.New("the server answers without a token: " +
			"the Server section of its JAAS file must have Krb5LoginModule; look into its log")
	}
	kind, body, err := unframe(token)
	switch {
	case err != nil:
		return nil, false, err
	case kind == tokenError:
		var rejected messages.KRBError
		if err := rejected.Unmarshal(body); err != nil {
			return nil, false, errToken
		}
		return nil, false, &rejection{fmt.Sprintf("the server rejects the ticket of %s (%s)", x.ticket.client, codeName(rejected)), rejected}
	case kind != tokenAPRep:
		return nil, false, errToken
	}
	part, err := x.openReply(body)
	if err != nil {
		return nil, false, err
	}
	x.key = x.ticket.key
	if len(part.Subkey.KeyValue) > 0 {
		x.key, x.subkey = part.Subkey, true
		if !isAES(x.key.KeyType) {
			return nil, false, fmt.Errorf("the server chooses a key of the type %s, and AES is needed", etypeNames([]int32{x.key.KeyType}))
		}
	}
	x.theirs, x.next = uint64(part.SequenceNumber), x.refuseLayers
	return []byte{}, false, nil
}

var errUnproven = errors.New("the server has not proven that it has the key of its principal")

func (x *exchange) openReply(body []byte) (part messages.EncAPRepPart, err error) {
	var reply messages.APRep
	if err := reply.Unmarshal(body); err != nil {
		return part, errToken
	}
	var plain []byte
	err = guard(func() (err error) {
		plain, err = crypto.DecryptEncPart(reply.EncPart, x.ticket.key, keyusage.AP_REP_ENCPART)
		return err
	})
	if err != nil {
		return part, errUnproven
	}
	if err := part.Unmarshal(plain); err != nil {
		return part, errToken
	}
	// The message has whole seconds, and microseconds beside them.
	if part.CTime.Unix() != x.proof.CTime.Unix() || part.Cusec != x.proof.Cusec {
		return part, errUnproven
	}
	return part, nil
}

// Layers of RFC 4752, section 3.3.
const noLayer = 1

// refuseLayers reads which security layers the server offers, and chooses none.
func (x *exchange) refuseLayers(token []byte) ([]byte, bool, error) {
	offer, err := x.unwrap(token)
	if err != nil {
		return nil, false, err
	}
	if len(offer) != 4 {
		return nil, false, errToken
	}
	if offer[0]&noLayer == 0 {
		return nil, false, errors.New("the server demands that requests be signed or encrypted " +
			"(a SASL security layer), which ZooKeeper's protocol does not have")
	}
	// No layer, no maximum size, and no authorization id: the identity is the
	// principal.
	response, err := x.wrap([]byte{noLayer, 0, 0, 0})
	x.next = x.finish
	return response, false, err
}

// finish reads the end of the login, which has no token.
func (x *exchange) finish(token []byte) ([]byte, bool, error) {
	if len(token) > 0 {
		return nil, false, errToken
	}
	x.next = ended
	x.proved()
	return nil, true, nil
}

// Flags of wrap tokens (RFC 4121, section 4.2.2).
const (
	sealed         = 2
	acceptorSubkey = 4
)

// unwrap reads a signed token of the server (RFC 4121, section 4.2.6.2).
func (x *exchange) unwrap(token []byte) ([]byte, error) {
	var w gssapi.WrapToken
	if err := w.Unmarshal(unrotate(token), true); err != nil {
		return nil, errToken
	}
	if w.Flags&sealed != 0 || (w.Flags&acceptorSubkey != 0) != x.subkey || w.SndSeqNum != x.theirs {
		return nil, errToken
	}
	if ok, err := w.Verify(x.key, keyusage.GSSAPI_ACCEPTOR_SEAL); !ok || err != nil {
		return nil, errUnproven
	}
	return w.Payload, nil
}

// unrotate undoes the rotation of a wrap token, which the library ignores.
func unrotate(token []byte) []byte {
	if len(token) <= gssapi.HdrLen {
		return token
	}
	header, body := token[:gssapi.HdrLen], token[gssapi.HdrLen:]
	n := int(binary.BigEndian.Uint16(header[6:])) % len(body)
	return bytes.Join([][]byte{header, body[n:], body[:n]}, nil)
}

// wrap signs a token.
func (x *exchange) wrap(payload []byte) ([]byte, error) {
	kind, err := crypto.GetEtype(x.key.KeyType)
	if err != nil {
		return nil, err
	}
	w := gssapi.WrapToken{EC: uint16(kind.GetHMACBitLength() / 8), SndSeqNum: uint64(x.proof.SeqNumber), Payload: payload}
	if x.subkey {
		w.Flags = acceptorSubkey
	}
	if err := w.SetCheckSum(x.key, keyusage.GSSAPI_INITIATOR_SEAL); err != nil {
		return nil, err
	}
	return w.Marshal()
}

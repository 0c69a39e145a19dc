package kerberos

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// kdc makes the requests for tickets.
type kdc struct {
	cfg *config.Config
	// ask sends a request to the KDCs of a realm (network.ask).
	ask func(ctx context.Context, realm string, request []byte) ([]byte, error)
}

// secret is the credential of a password or a keytab.
type secret struct {
	principal   principal
	etypes      []int32 // encryption types to ask for, the best first
	credentials *credentials.Credentials
	wrong       string // what is said of a secret that the KDC rejects
}

func (s secret) client() principal { return s.principal }

// grant logs in (RFC 4120, section 3.1).
func (s secret) grant(ctx context.Context, k *kdc) (ticket, error) {
	realm := s.principal.realm
	request, err := messages.NewASReqForTGT(realm, k.cfg, s.principal.wire())
	if err != nil {
		return ticket{}, fmt.Errorf("a request for a ticket of %s cannot be made: %w", s.principal, err)
	}
	request.ReqBody.EType = s.etypes
	reply, err := k.send(ctx, realm, &request)
	var rejected messages.KRBError
	if errors.As(err, &rejected) && rejected.ErrorCode == errorcode.KDC_ERR_PREAUTH_REQUIRED {
		if err := s.prove(&request, rejected); err != nil {
			return ticket{}, err
		}
		reply, err = k.send(ctx, realm, &request)
	}
	if err != nil {
		return ticket{}, k.asError(err, s)
	}
	var granted messages.ASRep
	err = guard(func() error {
		if err := granted.Unmarshal(reply); err != nil {
			return err
		}
		return checkKeyInfo(types.PADataSequence(granted.PAData))
	})
	if err != nil {
		return ticket{}, fmt.Errorf("the answer of the KDC of %s cannot be read: %w", realm, err)
	}
	// A KDC that asks for no proof returns a ticket for any secret. Its key
	// cannot be read with a wrong one.
	err = guard(func() error {
		_, err := granted.DecryptEncPart(s.credentials)
		return err
	})
	if err != nil {
		return ticket{}, fmt.Errorf("the answer of the KDC of %s cannot be decrypted for %s: %s", realm, s.principal, s.wrong)
	}
	if _, err := granted.Verify(k.cfg, s.credentials, request); err != nil {
		if skew := time.Until(granted.DecryptedEncPart.AuthTime); skew.Abs() > k.cfg.LibDefaults.Clockskew {
			return ticket{}, errors.New(skewText(-skew, realm, "by the time in its ticket"))
		}
		return ticket{}, fmt.Errorf("the answer of the KDC of %s does not match the request: %w", realm, err)
	}
	return ticket{granted.Ticket, granted.DecryptedEncPart.Key, s.principal, realm, granted.DecryptedEncPart.EndTime}, nil
}

// prove adds an encrypted time stamp to a request, with the first encryption
// type of the KDC for which there is a key.
func (s secret) prove(request *messages.ASReq, asked messages.KRBError) error {
	var offered types.PADataSequence
	err := guard(func() error {
		if err := offered.Unmarshal(asked.EData); err != nil {
			return err
		}
		return checkKeyInfo(offered)
	})
	if err != nil {
		return fmt.Errorf("the KDC of %s asks for a proof that cannot be read: %w", s.principal.realm, err)
	}
	if !offered.Contains(patype.PA_ENC_TIMESTAMP) {
		return fmt.Errorf("the KDC of %s does not accept an encrypted time stamp of %s, "+
			"such as for a principal that needs FAST, PKINIT or a one-time password; use a credential cache of kinit",
			s.principal.realm, s.principal)
	}
	key, version, err := s.key(offered)
	if err != nil {
		return err
	}
	return guard(func() error {
		stamp, err := types.GetPAEncTSEncAsnMarshalled()
		if err != nil {
			return err
		}
		sealed, err := crypto.GetEncryptedData(stamp, key, keyusage.AS_REQ_PA_ENC_TIMESTAMP, version)
		if err != nil {
			return err
		}
		value, err := sealed.Marshal()
		request.PAData = append(request.PAData, types.PAData{PADataType: patype.PA_ENC_TIMESTAMP, PADataValue: value})
		return err
	})
}

// key returns the client's key of the first encryption type that the KDC
// offers, and its version in a keytab.
func (s secret) key(offered types.PADataSequence) (key types.EncryptionKey, version int, err error) {
	etypes := slices.DeleteFunc(offeredTypes(offered), func(e int32) bool { return !slices.Contains(s.etypes, e) })
	if len(etypes) == 0 {
		return key, 0, fmt.Errorf("the KDC has no key of the types %s for %s", etypeNames(s.etypes), s.principal)
	}
	err = guard(func() error {
		if s.credentials.HasKeytab() {
			key, version, err = s.credentials.Keytab().GetEncryptionKey(s.principal.wire(), s.principal.realm, 0, etypes[0])
			return err
		}
		key, _, err = crypto.GetKeyFromPassword(s.credentials.Password(), s.principal.wire(), s.principal.realm,
			etypes[0], only(offered, etypes[0]))
		return err
	})
	if err != nil {
		err = fmt.Errorf("no key for %s: %w", s.principal, err)
	}
	return key, version, err
}

// offeredTypes returns the encryption types in the KDC's demand for a proof.
func offeredTypes(offered types.PADataSequence) (ids []int32) {
	for _, pa := range offered {
		if info, err := pa.GetETypeInfo2(); err == nil {
			for _, e := range info {
				ids = append(ids, e.EType)
			}
		}
	}
	return ids
}

// only returns the key information of one encryption type. The library takes
// the first type of the list, whatever it is asked for.
func only(offered types.PADataSequence, etype int32) types.PADataSequence {
	var kept types.PADataSequence
	for _, pa := range offered {
		info, err := pa.GetETypeInfo2()
		if err != nil {
			continue
		}
		info = slices.DeleteFunc(info, func(e types.ETypeInfo2Entry) bool { return e.EType != etype })
		if value, err := asn1.Marshal(info); err == nil && len(info) > 0 {
			kept = append(kept, types.PAData{PADataType: patype.PA_ETYPE_INFO2, PADataValue: value})
		}
	}
	return kept
}

// maxIterations bounds the work to derive a key from a password. The number is
// in a message that nothing protects; the default is 4,096.
const maxIterations = 1 << 18

// checkKeyInfo rejects key information that crashes the library or keeps it
// busy for hours.
func checkKeyInfo(all types.PADataSequence) error {
	for _, pa := range all {
		switch pa.PADataType {
		case patype.PA_ETYPE_INFO:
			if info, err := pa.GetETypeInfo(); err != nil || len(info) == 0 {
				return errors.New("malformed key information")
			}
		case patype.PA_ETYPE_INFO2:
			info, err := pa.GetETypeInfo2()
			if err != nil || len(info) == 0 {
				return errors.New("malformed key information")
			}
			for _, e := range info {
				if len(e.S2KParams) == 4 && binary.BigEndian.Uint32(e.S2KParams)-1 >= maxIterations { // 0 means 2^32
					return fmt.Errorf("more than %d iterations to derive a key from a password", maxIterations)
				}
			}
		}
	}
	return nil
}

// grantingName is the principal of the ticket-granting service that issues
// tickets for a realm to clients of another, or of the same.
func grantingName(realm, issuedBy string) principal {
	return principal{"krbtgt/" + realm, issuedBy}
}

// service returns a ticket for a server (RFC 4120, section 3.3). If the server
// is in another realm, the client's realm has to trust it directly.
func (k *kdc) service(ctx context.Context, granting ticket, server principal) (ticket, error) {
	if server.realm != granting.realm {
		crossing, err := k.exchange(ctx, granting, grantingName(server.realm, granting.realm))
		if err != nil {
			return ticket{}, err
		}
		crossing.realm = server.realm
		granting = crossing
	}
	return k.exchange(ctx, granting, server)
}

// exchange exchanges a ticket-granting ticket for another ticket.
func (k *kdc) exchange(ctx context.Context, granting ticket, server principal) (ticket, error) {
	cfg := *k.cfg
	// Only keys of AES make tokens that this package can write (RFC 4121).
	cfg.LibDefaults.DefaultTGSEnctypeIDs = slices.DeleteFunc(
		slices.Clone(enctypes(cfg.LibDefaults.DefaultTGSEnctypes, cfg.LibDefaults.DefaultTGSEnctypeIDs)),
		func(e int32) bool { return !isAES(e) })
	if len(cfg.LibDefaults.DefaultTGSEnctypeIDs) == 0 {
		return ticket{}, errors.New("default_tgs_enctypes of krb5.conf allows no AES, and this login needs it: add aes256-cts-hmac-sha1-96")
	}
	var request messages.TGSReq
	err := guard(func() (err error) {
		request, err = messages.NewTGSReq(granting.client.wire(), granting.realm, &cfg, granting.sealed, granting.key, server.wire(), false)
		return err
	})
	if err != nil {
		return ticket{}, fmt.Errorf("a request for a ticket of %s cannot be made: %w", server, err)
	}
	reply, err := k.send(ctx, granting.realm, &request)
	if err != nil {
		return ticket{}, tgsError(err, granting, server)
	}
	var granted messages.TGSRep
	err = guard(func() error {
		if err := granted.Unmarshal(reply); err != nil {
			return err
		}
		if err := granted.DecryptEncPart(granting.key); err != nil {
			return err
		}
		_, err := granted.Verify(&cfg, request)
		return err
	})
	if err != nil {
		return ticket{}, fmt.Errorf("the answer of the KDC of %s cannot be used: %w", granting.realm, err)
	}
	// The library does not compare the names.
	if got := granted.DecryptedEncPart; !got.SName.Equal(server.wire()) || !granted.Ticket.SName.Equal(server.wire()) {
		return ticket{}, fmt.Errorf("the KDC of %s issues a ticket for %s in place of %s; referrals are not followed",
			granting.realm, got.SName.PrincipalNameString(), server)
	}
	return ticket{granted.Ticket, granted.DecryptedEncPart.Key, granting.client, "", granted.DecryptedEncPart.EndTime}, nil
}

func isAES(etype int32) bool {
	switch etype {
	case etypeID.AES128_CTS_HMAC_SHA1_96, etypeID.AES256_CTS_HMAC_SHA1_96,
		etypeID.AES128_CTS_HMAC_SHA256_128, etypeID.AES256_CTS_HMAC_SHA384_192:
		return true
	}
	return false
}

// send sends a request, and returns the answer.
func (k *kdc) send(ctx context.Context, realm string, request interface{ Marshal() ([]byte, error) }) ([]byte, error) {
	data, err := request.Marshal()
	if err != nil {
		return nil, err
	}
	return k.ask(ctx, realm, data)
}

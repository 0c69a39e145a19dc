package kerberos

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
)

// codeName returns the name of a KDC's error, with the KDC's own words.
func codeName(e messages.KRBError) string {
	_, name, _ := strings.Cut(errorcode.Lookup(e.ErrorCode), " ") // "(6) NAME and a sentence"
	name, _, _ = strings.Cut(name, " ")
	if name == "ErrorCode" || name == "" {
		name = fmt.Sprintf("error %d", e.ErrorCode)
	}
	if e.EText != "" {
		name += fmt.Sprintf(", %q", e.EText)
	}
	return name
}

// asError says why a KDC gives a client no ticket-granting ticket.
func (k *kdc) asError(err error, s secret) error {
	var rejected messages.KRBError
	if !errors.As(err, &rejected) {
		return err
	}
	who, realm := s.principal, s.principal.realm
	reason := ""
	switch rejected.ErrorCode {
	case errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN:
		reason = "it knows no such principal; check the name and the realm"
	case errorcode.KDC_ERR_PREAUTH_FAILED, errorcode.KRB_AP_ERR_BAD_INTEGRITY:
		reason = s.wrong
	case errorcode.KDC_ERR_KEY_EXPIRED:
		reason = "its password has expired; set a new one with kpasswd"
	case errorcode.KDC_ERR_CLIENT_REVOKED:
		reason = "it is locked or disabled; ask the realm's administrator"
	case errorcode.KDC_ERR_NAME_EXP:
		reason = "its entry has expired; ask the realm's administrator"
	case errorcode.KDC_ERR_ETYPE_NOSUPP:
		reason = fmt.Sprintf("it has no key of the types %s for the principal; look at default_tkt_enctypes of krb5.conf", etypeNames(s.etypes))
	case errorcode.KDC_ERR_WRONG_REALM:
		reason = fmt.Sprintf("the principal is in the realm %s", rejected.CRealm)
	case errorcode.KRB_AP_ERR_SKEW:
		return &rejection{skewText(aheadOf(rejected), realm, codeName(rejected)), rejected}
	default:
		reason = "look into the log of the KDC"
	}
	return &rejection{fmt.Sprintf("the KDC of %s rejects %s (%s): %s", realm, who, codeName(rejected), reason), rejected}
}

// tgsError says why a KDC gives a client no ticket for a server.
func tgsError(err error, granting ticket, server principal) error {
	var rejected messages.KRBError
	if !errors.As(err, &rejected) {
		return err
	}
	reason := ""
	switch rejected.ErrorCode {
	case errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN:
		reason = "it knows no such service; write the servers in session.Config.Servers as their principals name them, " +
			"or use kerberos.ServerPrincipal or kerberos.CanonicalHost"
		if strings.HasPrefix(server.name, "krbtgt/") {
			reason = "it does not trust that realm directly; check [domain_realm] of krb5.conf and kerberos.ServerPrincipal"
		}
	case errorcode.KRB_AP_ERR_TKT_EXPIRED, errorcode.KDC_ERR_NEVER_VALID:
		reason = "the ticket has expired; run kinit again"
	case errorcode.KDC_ERR_ETYPE_NOSUPP:
		reason = "the server has no key of AES; export its keytab again with one"
	case errorcode.KRB_AP_ERR_SKEW, errorcode.KRB_AP_ERR_TKT_NYV:
		return &rejection{skewText(aheadOf(rejected), granting.realm, codeName(rejected)), rejected}
	default:
		reason = "look into the log of the KDC"
	}
	return &rejection{fmt.Sprintf("the KDC of %s gives %s no ticket for %s (%s): %s",
		granting.realm, granting.client, server, codeName(rejected), reason), rejected}
}

// aheadOf returns by how much this machine's clock is ahead of the clock of the
// KDC that sent an error.
func aheadOf(e messages.KRBError) time.Duration {
	return time.Since(e.STime.Add(time.Duration(e.Susec) * time.Microsecond))
}

// skewText says that a clock is wrong. ahead is by how much this machine's clock
// is ahead of the KDC's, and why is what showed it.
func skewText(ahead time.Duration, realm, why string) string {
	where := "ahead of"
	if ahead < 0 {
		where = "behind"
	}
	return fmt.Sprintf("this machine's clock is %v %s the clock of the KDC of %s (%s); synchronize the clocks",
		ahead.Abs().Round(time.Second), where, realm, why)
}

// rejection is the error of a KDC in plain words.
type rejection struct {
	text string
	krb  messages.KRBError
}

func (e *rejection) Error() string { return e.text }
func (e *rejection) Unwrap() error { return e.krb }

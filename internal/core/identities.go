package core

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// authScheme is the scheme of an entry that the server replaces by the
// identities of the creating session.
const authScheme = "auth"

// trustedACL returns the configured ACL with the identities of this session in
// place of its entries of the scheme auth. unknown reports whether the session
// may have an identity of a scheme that the list lacks, because the server does
// not tell the session's identities. acl is the list that will be compared: a
// server is asked only if acl has an identity that needs it.
//
// A digest identity is the hash of a credential, which this process knows. The
// others are the server's to tell. ctx bounds the request.
func (s *Session) trustedACL(ctx context.Context, acl []ACL) (trusted []ACL, unknown func(scheme string) bool, err error) {
	known := func(string) bool { return false }
	var perms int32
	for _, a := range s.m.cfg.ACL {
		if a.Scheme == authScheme {
			perms |= a.Perms
		} else {
			trusted = append(trusted, a)
		}
	}
	if perms == 0 {
		return trusted, known, nil
	}
	for _, cred := range s.m.cfg.Auth {
		if user, password, ok := strings.Cut(string(cred.data()), ":"); ok && cred.Scheme == digestScheme {
			trusted = append(trusted, DigestACL(perms, user, password)...)
		}
	}
	if !slices.ContainsFunc(acl, func(a ACL) bool { return s.mayBe(a.Scheme) }) {
		return trusted, known, nil
	}
	ids, err := s.identities(ctx)
	if errors.Is(err, ErrUnimplemented) {
		return trusted, s.mayBe, nil
	}
	for _, id := range ids {
		if s.mayBe(id.Scheme) {
			trusted = append(trusted, ACL{Perms: perms, Scheme: id.Scheme, ID: id.ID})
		}
	}
	return trusted, known, err
}

// mayBe reports whether the session may have an identity of the scheme that
// only the server knows.
func (s *Session) mayBe(scheme string) bool {
	cfg := &s.m.cfg
	switch scheme {
	case world, digestScheme, "ip":
		return false
	case "sasl":
		return cfg.SASL != nil
	case "x509":
		return cfg.TLS != nil
	}
	return slices.ContainsFunc(cfg.Auth, func(c Credential) bool { return c.Scheme == scheme })
}

// identities returns the session's identities at the server, and asks once.
func (s *Session) identities(ctx context.Context) ([]Identity, error) {
	if ids := s.vetted.identities.Load(); ids != nil {
		return *ids, nil
	}
	ids, err := s.WhoAmI(ctx)
	if err == nil {
		s.vetted.identities.Store(&ids)
	}
	return ids, err
}

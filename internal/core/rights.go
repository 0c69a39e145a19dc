package core

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Grant is what an ACL gives to one identity beyond what a trusted ACL gives.
type Grant struct {
	Scheme string
	ID     string // in the scheme digest: the user's name alone
	Perms  int32
	// Unsure is the reason why the identity cannot be compared with a trusted
	// one. It is empty if the identity is another one for certain.
	Unsure string
}

// The reasons of Grant.Unsure.
const (
	unsureHash     = "the server hides the hash of the password, so it may be a user that this session trusts"
	unsureIdentity = "the server does not tell the identities of this session, so it may be this session itself"
)

// world is the scheme of the identity that every session has.
const world = "world"

// beyond returns what acl gives, out of the permissions in mask, to identities
// to which trusted does not give them. trusted has no entries of the scheme
// auth. unknown reports whether this session may have an identity of the scheme
// that is not in trusted.
func beyond(acl, trusted []ACL, mask int32, unknown func(scheme string) bool) (grants []Grant) {
	var everyone int32
	for _, t := range trusted {
		if t.Scheme == world {
			everyone |= t.Perms
		}
	}
	for _, a := range acl {
		perms := a.Perms & mask &^ everyone
		unsure := ""
		switch {
		case masked(a):
			if namesUser(trusted, a.ID) {
				unsure = unsureHash
			}
		case a.Scheme != world:
			for _, t := range trusted {
				if t.Scheme == a.Scheme && t.ID == a.ID {
					perms &^= t.Perms
				}
			}
			if unknown(a.Scheme) {
				unsure = unsureIdentity
			}
		}
		if perms != 0 {
			grants = add(grants, Grant{a.Scheme, shownID(a), perms, unsure})
		}
	}
	return grants
}

// add adds a grant to the list. Several entries of one identity become one
// grant.
func add(grants []Grant, g Grant) []Grant {
	for i, other := range grants {
		if other.Scheme == g.Scheme && other.ID == g.ID && other.Unsure == g.Unsure {
			grants[i].Perms |= g.Perms
			return grants
		}
	}
	return append(grants, g)
}

// namesUser reports whether trusted has a digest entry of the user of the
// masked id.
func namesUser(trusted []ACL, id string) bool {
	user := userOf(id)
	return slices.ContainsFunc(trusted, func(t ACL) bool { return t.Scheme == digestScheme && userOf(t.ID) == user })
}

const digestScheme = "digest"

// userOf returns the name in the id of a digest entry.
func userOf(id string) string {
	user, _, _ := strings.Cut(id, ":")
	return user
}

// shownID is the id of an entry without the hash of a password.
func shownID(a ACL) string {
	if a.Scheme == digestScheme {
		return userOf(a.ID)
	}
	return a.ID
}

// Who names the identity: "anyone", or as in "digest:bob". Other clients may
// have chosen the text, so it is quoted if it is unusual.
func (g Grant) Who() string {
	if g.Scheme == world {
		return "anyone"
	}
	who := g.Scheme + ":" + g.ID
	if quoted := strconv.Quote(who); quoted != `"`+who+`"` {
		return quoted
	}
	return who
}

// May says what the permissions allow, as in "create and delete znodes there,
// and change its ACL". The words fit a directory.
func (g Grant) May() string {
	var words []string
	switch g.Perms & (PermCreate | PermDelete) {
	case PermCreate:
		words = append(words, "create znodes there")
	case PermDelete:
		words = append(words, "delete znodes there")
	case PermCreate | PermDelete:
		words = append(words, "create and delete znodes there")
	}
	if g.Perms&PermRead != 0 {
		words = append(words, "read it")
	}
	if g.Perms&PermWrite != 0 {
		words = append(words, "write it")
	}
	if g.Perms&PermAdmin != 0 {
		words = append(words, "change its ACL")
	}
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// String is a clause such as "anyone may delete znodes there".
func (g Grant) String() string {
	clause := g.Who() + " may " + g.May()
	if g.Unsure != "" {
		clause += " (" + g.Unsure + ")"
	}
	return clause
}

// grantsText joins the clauses of the first grants.
func grantsText(grants []Grant) string {
	const shown = 5
	words := make([]string, 0, shown+1)
	for _, g := range grants[:min(shown, len(grants))] {
		words = append(words, g.String())
	}
	if more := len(grants) - shown; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, "; ")
}

// GrantsOf returns what an ACL gives to each identity that it names.
func GrantsOf(acl []ACL) []Grant {
	return beyond(acl, nil, PermAll, func(string) bool { return false })
}

// Others returns what acl gives, out of the permissions in mask, to identities
// to which Config.ACL does not give it. The identities of this session count as
// the identities of AuthACL. It sends a request if an identity has to be
// compared that only the server knows; ctx bounds the request. Others is safe
// for concurrent use.
func (s *Session) Others(ctx context.Context, acl []ACL, mask int32) ([]Grant, error) {
	s.made()
	trusted, unknown, err := s.trustedACL(ctx, acl)
	if err != nil {
		return nil, err
	}
	return beyond(acl, trusted, mask, unknown), nil
}

// dangerous has the permissions on a directory with which a client can delete
// the znodes of others, put its own before them, or give itself the right to.
const dangerous = PermCreate | PermDelete | PermAdmin

// restricts reports whether the ACL keeps a dangerous permission from anyone.
func restricts(acl []ACL) bool {
	var open int32
	for _, a := range acl {
		if a.Scheme == world {
			open |= a.Perms
		}
	}
	return open&dangerous != dangerous
}

package zktest

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/docent-go/docent/internal/wire"
)

// authenticate adds an identity to the connection. If the identity cannot be
// granted, the connection ends.
func (c *conn) authenticate(xid int32, d *wire.Decoder) {
	s := c.s
	d.Int32() // kind: unused
	scheme, secret := d.String(), d.Buffer()
	code := CodeOK
	switch {
	case d.Err() != nil:
		s.hangUp(c)
		return
	case scheme == "digest" && secret != nil:
		c.addID(id{"digest", digest(string(secret))})
	case scheme == "ip":
		c.addID(c.ids[0])
	default:
		code = CodeAuthFailed
	}
	// ZooKeeper answers an authentication with zxid 0, whatever it has processed.
	s.answer(c, newReply(xid, 0, code))
	if code != CodeOK {
		s.hangUp(c)
	}
}

func (c *conn) addID(v id) {
	if !slices.Contains(c.ids, v) {
		c.ids = append(c.ids, v)
	}
}

// digest returns the id of "user:password" in the scheme digest.
func digest(secret string) string {
	user, _, _ := strings.Cut(secret, ":")
	sum := sha1.Sum([]byte(secret))
	return user + ":" + base64.StdEncoding.EncodeToString(sum[:])
}

// allowed reports whether the connection has one of the permissions. A nil
// connection is the test itself, which has all of them.
func (c *conn) allowed(acl []ACL, perm int32) bool {
	if c == nil || len(acl) == 0 {
		return true
	}
	for _, a := range acl {
		if a.Perms&perm == 0 {
			continue
		}
		if a.Scheme == "world" && a.ID == "anyone" {
			return true
		}
		for _, have := range c.ids {
			if have.scheme == a.Scheme && matches(a, have) {
				return true
			}
		}
	}
	return false
}

func matches(a ACL, have id) bool {
	switch a.Scheme {
	case "digest":
		return a.ID == have.id
	case "ip":
		return ipMatches(a.ID, have.id)
	case "sasl":
		return a.ID == have.id || have.id == saslSuper
	}
	return false
}

// ipMatches compares an address with "address" or "address/bits".
func ipMatches(pattern, addr string) bool {
	have, err := netip.ParseAddr(addr)
	if err != nil {
		return false
	}
	net, bits, err := parseIP(pattern)
	if err != nil || have.BitLen() != net.BitLen() {
		return false
	}
	prefix, err := have.Prefix(bits)
	if err != nil {
		return false
	}
	return prefix.Contains(net)
}

// parseIP reads the id of the ip scheme, which knows addresses of version 4 only.
func parseIP(pattern string) (netip.Addr, int, error) {
	host, length, cut := strings.Cut(pattern, "/")
	addr, err := netip.ParseAddr(host)
	if err == nil && !addr.Is4() {
		err = errors.New("zktest: not an IPv4 address")
	}
	if err != nil || !cut {
		return addr, addr.BitLen(), err
	}
	bits, err := strconv.Atoi(length)
	if err == nil && (bits < 0 || bits > addr.BitLen()) {
		err = strconv.ErrRange
	}
	return addr, bits, err
}

// fixACL checks a new access control list and replaces the scheme "auth" by the
// connection's own identities. A nil list is an absent one.
func (c *conn) fixACL(acl []ACL) ([]ACL, Code) {
	switch {
	case c == nil:
		return acl, CodeOK
	case acl == nil && c.s.cfg.traits.needsACLs:
		return nil, CodeMarshallingError
	}
	var out, seen []ACL
	for _, a := range acl {
		if slices.Contains(seen, a) {
			continue
		}
		seen = append(seen, a)
		switch a.Scheme {
		case "world":
			if a.ID != "anyone" {
				return nil, CodeInvalidACL
			}
			out = append(out, a)
		case "auth":
			found := false
			for _, have := range c.ids {
				if have.scheme == "digest" || have.scheme == "sasl" {
					found = true
					out = append(out, ACL{Perms: a.Perms, Scheme: have.scheme, ID: have.id})
				}
			}
			if !found {
				return nil, CodeInvalidACL
			}
		case "digest":
			if !validDigest(a.ID) {
				return nil, CodeInvalidACL
			}
			out = append(out, a)
		case "ip":
			if _, _, err := parseIP(a.ID); err != nil {
				return nil, CodeInvalidACL
			}
			out = append(out, a)
		case "sasl":
			if c.s.cfg.saslUsers == nil || !validPrincipal(a.ID) {
				return nil, CodeInvalidACL
			}
			out = append(out, a)
		default:
			return nil, CodeInvalidACL
		}
	}
	if len(out) == 0 {
		return nil, CodeInvalidACL
	}
	return out, CodeOK
}

// validDigest reports whether an id has the form "user:digest".
func validDigest(id string) bool {
	// Java's split drops empty parts at the end, so "user:" has one part.
	return strings.Count(strings.TrimRight(id, ":"), ":") == 1
}

// validPrincipal reports whether an id is a valid name in Kerberos, such as
// "service/host@REALM". Without a realm every name is valid.
func validPrincipal(id string) bool {
	name, realm, has := strings.Cut(id, "@")
	return !has || strings.Count(name, "/") <= 1 && !strings.ContainsAny(realm, "/@")
}

// maskDigests hides the digests of passwords.
func maskDigests(acl []ACL) []ACL {
	out := slices.Clone(acl)
	for i, a := range out {
		if a.Scheme == "digest" {
			user, _, _ := strings.Cut(a.ID, ":")
			out[i].ID = user + ":x"
		}
	}
	return out
}

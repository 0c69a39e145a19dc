package sasl

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// challenge is the challenge of a DIGEST-MD5 server.
type challenge struct {
	realm, nonce string // as the server sent them, without their quotes
	utf8         bool   // names are sent as UTF-8, else as ISO 8859-1
}

// readChallenge reads a server's challenge. It rejects a challenge that the
// client cannot answer correctly. A ZooKeeper server names one realm.
func readChallenge(token []byte) (challenge, error) {
	d, err := parse(token)
	if err != nil {
		return challenge{}, err
	}
	for _, name := range []string{"realm", "nonce", "algorithm"} {
		if _, ok := d[name]; !ok {
			return challenge{}, fmt.Errorf("%w: %s is missing", ErrMalformed, name)
		}
	}
	c := challenge{realm: d["realm"], nonce: d["nonce"]}
	charset, named := d["charset"]
	c.utf8 = named
	switch qop, offered := d["qop"]; {
	case d["algorithm"] != "md5-sess":
		return challenge{}, fmt.Errorf("%w: its algorithm is not md5-sess", ErrMalformed)
	case named && !strings.EqualFold(charset, "utf-8"):
		return challenge{}, fmt.Errorf("%w: its charset is not utf-8", ErrMalformed)
	case offered && !offersAuth(qop):
		return challenge{}, fmt.Errorf("%w: its qop does not offer auth", ErrMalformed)
	case c.nonce == "":
		return challenge{}, fmt.Errorf("%w: its nonce is empty", ErrMalformed)
	case c.utf8 && !utf8.ValidString(c.realm):
		return challenge{}, fmt.Errorf("%w: its realm is not valid UTF-8", ErrMalformed)
	}
	return c, nil
}

// offersAuth reports whether a list of protections contains auth.
func offersAuth(qop string) bool {
	return slices.ContainsFunc(strings.Split(qop, ","), func(s string) bool {
		return strings.EqualFold(strings.Trim(s, space), "auth")
	})
}

// hashedRealm is the form of the realm that is hashed.
func (c challenge) hashedRealm() string {
	if c.utf8 {
		return hashed(c.realm)
	}
	return c.realm
}

package zktest

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/wire"
)

const (
	saslRealm = "zk-sasl-md5"
	saslURI   = "zookeeper/zk-sasl-md5"
	// saslSuper is the super user. It has the rights of every entry with the
	// scheme sasl.
	saslSuper = "super"
)

// saslDirectives are the directives that a client may send only once.
var saslDirectives = []string{
	"username", "realm", "nonce", "cnonce", "nc", "qop", "digest-uri", "response",
	"maxbuf", "charset", "cipher", "authzid",
}

// saslLogin is the login of one connection, which has a single try.
type saslLogin struct {
	nonce string // set once the challenge is sent
	over  bool
}

// logIn answers a request with a token of a login. It runs on arrival, as an
// authentication does.
func (c *conn) logIn(xid int32, d *wire.Decoder) {
	s := c.s
	token := d.Buffer()
	if token == nil {
		c.dismiss()
		return
	}
	if s.cfg.saslUsers == nil {
		c.answerToken(xid, CodeOK, nil) // nobody is logged in
		return
	}
	if c.login.nonce == "" {
		c.login.nonce = c.saslNonce()
		c.answerToken(xid, CodeOK, fmt.Appendf(nil, `realm="%s",nonce="%s",charset=utf-8,algorithm=md5-sess`,
			saslRealm, c.login.nonce))
		return
	}
	user, proof, ok := s.cfg.verifyLogin(string(token), c.login.nonce)
	if c.login.over || !ok {
		c.login.over = true
		c.refuseLogin(xid)
		return
	}
	c.login.over = true
	c.addID(id{"sasl", user})
	c.answerToken(xid, CodeOK, []byte("rspauth="+proof))
}

// refuseLogin answers a failed login.
func (c *conn) refuseLogin(xid int32) {
	switch {
	case c.s.cfg.saslRequired:
		c.answerToken(xid, CodeSessionClosedRequireSASL, nil)
	case c.s.cfg.saslLenient:
		c.answerToken(xid, CodeOK, nil)
		return
	default:
		c.answerToken(xid, CodeAuthFailed, nil)
	}
	c.dismiss()
}

// answerToken answers with a token, nil for none.
func (c *conn) answerToken(xid int32, code Code, token []byte) {
	e := newReply(xid, 0, code)
	e.Buffer(token)
	c.s.answer(c, e)
}

// dismiss closes the connection, and drops its unread requests.
func (c *conn) dismiss() {
	c.abandoned = true
	c.s.hangUp(c)
}

// excluded reports whether the connection has to log in before the server
// serves it.
func (c *conn) excluded() bool {
	return c.s.cfg.saslRequired && !slices.ContainsFunc(c.ids, func(v id) bool { return v.scheme == "sasl" })
}

// atOnce reports whether a request is answered on arrival, and does not pass
// through the queue of its session.
func (c *conn) atOnce(op Op) bool { return op == OpAuth || op == OpSASL || c.excluded() }

// saslNonce derives a connection's nonce from its number, so that a replayed test
// sees the same bytes.
func (c *conn) saslNonce() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "zktest nonce %d", c.seq))
	return base64.StdEncoding.EncodeToString(sum[:30])
}

// verifyLogin checks a client's response to a challenge with the nonce. It returns
// the user, and the proof that the server knows the user's password too.
func (c settings) verifyLogin(token, nonce string) (user, proof string, ok bool) {
	d, ok := parseDirectives(token)
	if !ok {
		return "", "", false
	}
	user = d["username"]
	password, known := c.saslUsers[user]
	qop, protected := d["qop"]
	charset, encoded := d["charset"]
	switch {
	case !known, protected && qop != "auth", encoded && charset != "utf-8",
		d["realm"] != saslRealm, d["nonce"] != nonce, d["digest-uri"] != saslURI:
		return "", "", false
	}
	login := md5.Sum([]byte(toLatin1(user) + ":" + saslRealm + ":" + toLatin1(password)))
	a1 := string(login[:]) + ":" + nonce + ":" + d["cnonce"]
	if authzid, as := d["authzid"]; as {
		a1 += ":" + authzid // ZooKeeper still uses the user as the identity
	}
	prove := func(a2 string) string {
		return md5Hex(strings.Join([]string{md5Hex(a1), nonce, "00000001", d["cnonce"], "auth", md5Hex(a2)}, ":"))
	}
	if subtle.ConstantTimeCompare([]byte(prove("AUTHENTICATE:"+saslURI)), []byte(d["response"])) != 1 {
		return "", "", false
	}
	return user, prove(":" + saslURI), true
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// toLatin1 returns the form of a name or password that is hashed: ISO 8859-1 if
// that has all its characters, UTF-8 otherwise.
func toLatin1(s string) string {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return s
		}
		out = append(out, byte(r))
	}
	return string(out)
}

// parseDirectives reads name=value pairs between commas; a value may be a
// quoted string. It reports false for anything else, and if one of
// saslDirectives occurs twice.
func parseDirectives(s string) (map[string]string, bool) {
	found := make(map[string]string)
	for s != "" {
		var name, value string
		var ok bool
		if name, s, ok = strings.Cut(s, "="); !ok {
			return nil, false
		}
		if s = strings.TrimLeft(s, " \t\r\n"); strings.HasPrefix(s, `"`) {
			if value, s, ok = unquote(s[1:]); !ok {
				return nil, false
			}
			if s = strings.TrimLeft(s, " \t\r\n"); s != "" && s[0] != ',' {
				return nil, false
			}
			s = strings.TrimPrefix(s, ",")
		} else {
			value, s, _ = strings.Cut(s, ",")
			value = strings.TrimSpace(value)
		}
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := found[name]; twice && slices.Contains(saslDirectives, name) {
			return nil, false
		}
		found[name] = value
	}
	return found, true
}

// unquote reads a quoted string after its first quote.
func unquote(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

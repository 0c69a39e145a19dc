package sasl

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// digestURI names the service for DIGEST-MD5. Every ZooKeeper server uses this
// name, whatever its host.
const digestURI = "zookeeper/zk-sasl-md5"

// maxResponse is the maximum size of a response in RFC 2831.
const maxResponse = 4095

// DigestMD5 is the mechanism DIGEST-MD5 of RFC 2831, for a user of the server's
// JAAS file (user_NAME="password" of DigestLoginModule). It authenticates both
// sides. It neither signs nor encrypts later requests: use it over TLS.
//
// Start returns an error if no server could accept the user's name or the
// password. So does the method Validate() error of the Mechanism.
func DigestMD5(user, password string) Mechanism {
	return digestMD5{
		// fmt prints the unexported fields of a struct without calling their
		// methods.
		secret: func() (string, string) { return user, password },
		uri:    digestURI,
		cnonce: randomNonce,
	}
}

type digestMD5 struct {
	secret func() (user, password string)
	uri    string
	cnonce func() string
}

// randomNonce returns 24 random bytes as text.
func randomNonce() string {
	var b [24]byte
	rand.Read(b[:]) // never fails
	return base64.StdEncoding.EncodeToString(b[:])
}

// Name returns "DIGEST-MD5".
func (m digestMD5) Name() string { return "DIGEST-MD5" }

// Format prints the name alone, whatever the verb.
func (m digestMD5) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "sasl.DigestMD5(…)") // fmt keeps its writer's error
}

// Validate returns an error if no server could accept the name or the password.
func (m digestMD5) Validate() error {
	user, password := m.secret()
	if err := prepared("user's name", user); err != nil {
		return err
	}
	return prepared("password", password)
}

// prepared checks a name or a password by those rules of RFC 4013 that catch
// mistakes. Such a mistake is the line break at the end of a password file.
func prepared(what, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("DIGEST-MD5: the %s is empty", what)
	case !utf8.ValidString(s):
		return fmt.Errorf("DIGEST-MD5: the %s is not valid UTF-8", what)
	case strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("DIGEST-MD5: the %s contains a control character, such as a line break", what)
	}
	return nil
}

// Start begins a login. Neither ctx nor the server's name matters.
func (m digestMD5) Start(context.Context, string) (Exchange, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return &digestExchange{m: m}, nil
}

// over is the round after which an exchange accepts no tokens.
const over = 3

// digestExchange is a login: an empty token, the response to the challenge, and
// the check of the server's proof.
type digestExchange struct {
	m      digestMD5
	round  int
	expect string // the rspauth of a server that knows the password
}

// Next takes the server's token. After an error the exchange accepts no token.
func (x *digestExchange) Next(challenge []byte) (response []byte, done bool, err error) {
	x.round++
	switch x.round {
	case 1:
		return []byte{}, false, nil
	case 2:
		response, err = x.respond(challenge)
	case 3:
		err = x.verify(challenge)
		done = err == nil
	default:
		err = errors.New("DIGEST-MD5: the login is over")
	}
	if err != nil {
		x.round = over
	}
	return response, done, err
}

// respond answers the challenge. ZooKeeper answers without one if it has no
// SASL.
func (x *digestExchange) respond(challenge []byte) ([]byte, error) {
	if challenge == nil {
		return nil, errors.New("the server has no SASL; add a Server section to its JAAS file")
	}
	c, err := readChallenge(challenge)
	if err != nil {
		return nil, err
	}
	user, password := x.m.secret()
	name := user
	if !c.utf8 {
		plain, ok := latin1(user)
		if _, also := latin1(password); !ok || !also {
			return nil, errors.New("DIGEST-MD5: the server accepts ISO 8859-1 only, " +
				"and the user's name or the password has other characters")
		}
		name = plain
	}
	cnonce := x.m.cnonce()
	login := md5.Sum([]byte(hashed(user) + ":" + c.hashedRealm() + ":" + hashed(password)))
	a1 := hexMD5(string(login[:]) + ":" + c.nonce + ":" + cnonce)
	prove := func(a2 string) string {
		return hexMD5(a1 + ":" + c.nonce + ":00000001:" + cnonce + ":auth:" + hexMD5(a2))
	}
	x.expect = prove(":" + x.m.uri)

	var b strings.Builder
	if c.utf8 {
		b.WriteString("charset=utf-8,")
	}
	fmt.Fprintf(&b, "username=%s,realm=%s,nonce=%s,nc=00000001,cnonce=%s,digest-uri=%s,response=%s,qop=auth",
		quote(name), quote(c.realm), quote(c.nonce), quote(cnonce), quote(x.m.uri), prove("AUTHENTICATE:"+x.m.uri))
	if b.Len() > maxResponse {
		return nil, fmt.Errorf("DIGEST-MD5: the response has %d bytes, more than a server accepts (%d)", b.Len(), maxResponse)
	}
	return []byte(b.String()), nil
}

// verify checks the server's proof. A server that keeps the connection after a
// failed login (zookeeper.allowSaslFailedClients) answers without a token.
func (x *digestExchange) verify(token []byte) error {
	if token == nil {
		return fmt.Errorf("%w: the server rejected the user or the password, and kept the connection", ErrUnproven)
	}
	d, err := parse(token)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(d["rspauth"]), []byte(x.expect)) != 1 {
		return ErrUnproven
	}
	return nil
}

func hexMD5(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

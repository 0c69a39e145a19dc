package zktest

import (
	"errors"
	"maps"
	"strings"
)

// SASL lets the named users log in by SASL DIGEST-MD5; users maps names to
// passwords. It models a server whose JAAS file has a DigestLoginModule and
// whose authProvider is SASLAuthenticationProvider; for 3.9, fips-mode is false
// there. Without the option the server answers a request of the kind [OpSASL]
// without a token, and logs nobody in.
//
// A connection that has logged in has the identity sasl:USER. The user named
// super has every right that an entry of the scheme sasl grants to any user. A
// failed login is answered with [CodeAuthFailed] and ends the connection; see
// [RequireSASL] and [AllowFailedSASL].
//
// ZooKeeper derives identities from names with "/" or "@" by rules of its own.
// The server does not accept such names.
func SASL(users map[string]string) Option {
	return func(c *settings) { c.saslUsers = maps.Clone(users) }
}

// RequireSASL makes a server with [SASL] require a login. Before the login, it
// answers every request with [CodeSessionClosedRequireSASL] and closes the
// connection. It answers a failed login likewise. Handshakes and [OpAuth] need
// no login. It models sessionRequireClientSASLAuth=true, and
// enforce.auth.enabled=true with enforce.auth.schemes=sasl.
func RequireSASL() Option { return func(c *settings) { c.saslRequired = true } }

// AllowFailedSASL makes a server with [SASL] answer a failed login with
// [CodeOK] and no token. The connection continues without the identity. It
// models zookeeper.allowSaslFailedClients=true, and does nothing with
// [RequireSASL].
func AllowFailedSASL() Option { return func(c *settings) { c.saslLenient = true } }

// validateSASL returns an error that names the invalid setting of SASL.
func (c settings) validateSASL() error {
	if c.saslUsers == nil && (c.saslRequired || c.saslLenient) {
		return errors.New("zktest: RequireSASL and AllowFailedSASL need SASL")
	}
	for user := range c.saslUsers {
		if user == "" || strings.ContainsAny(user, "/@") {
			return errors.New(`zktest: SASL: a user's name is empty, or contains "/" or "@"`)
		}
	}
	return nil
}

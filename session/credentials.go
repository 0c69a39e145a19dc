package session

import (
	"context"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/sasl"
)

// Credential is something to authenticate with, as addauth of ZooKeeper's tools
// takes it. Printing a Credential does not reveal its secret. Digest and
// AddAuth make Credentials.
type Credential struct{ core core.Credential }

// Digest is the credential of ZooKeeper's digest scheme. Dial rejects a user
// with a colon in its name: the server would take the rest of the name for the
// password.
func Digest(user, password string) Credential { return Credential{core.Digest(user, password)} }

// AddAuth is the credential of any scheme, with data as that scheme wants it.
// AddAuth copies data.
func AddAuth(scheme string, data []byte) Credential { return Credential{core.AddAuth(scheme, data)} }

// Scheme returns the scheme of the credential, such as "digest".
func (c Credential) Scheme() string { return c.core.Scheme }

// String returns the scheme alone.
func (c Credential) String() string { return c.core.String() }

// GoString returns the same as String, so that %#v does not reveal the secret
// either.
func (c Credential) GoString() string { return c.core.String() }

// SASLMechanism is a way to log in by SASL (Config.SASL). DigestMD5 makes one;
// for others, such as Kerberos, a program implements this interface. A
// mechanism must be safe for concurrent use, and should print no secret. If it
// has a method Validate() error, Dial and Start call it and reject the Config
// with its error.
type SASLMechanism interface {
	// Name returns the registered name of the mechanism, such as "GSSAPI".
	Name() string
	// Start begins a login on a new connection to the server, given as the host
	// that Config.Servers names. ctx bounds what the mechanism asks of others,
	// such as a ticket. ctx ends with the connection, and early enough to dial
	// other servers. The connection is not read during Start.
	//
	// An error that Start returns before ctx ends is final: Dial fails with
	// ErrAuth. So a mechanism repeats until ctx ends what may succeed later.
	Start(ctx context.Context, server string) (SASLExchange, error)
}

// SASLExchange is one login on one connection. One goroutine uses it.
type SASLExchange interface {
	// Next takes the token of the server, nil if the server sent none, and
	// returns the token to send next. The first call takes nil. done says that
	// the login is complete and that the returned token is not sent: a
	// mechanism whose client has the last word returns done one call later. An
	// error ends the login and the connection.
	Next(challenge []byte) (response []byte, done bool, err error)
}

// DigestMD5 logs in with the name and the password of a user, which the JAAS
// file of a server lists for its DigestLoginModule. The server proves that it
// knows the password too. The password is not sent, but a listener can try
// passwords against what is sent: use it with TLS. Printing the mechanism does
// not reveal the password.
//
// Dial and Start reject a name or a password that the mechanism cannot carry.
func DigestMD5(user, password string) SASLMechanism {
	return digestMD5{sasl.DigestMD5(user, password)}
}

// digestMD5 is a mechanism of the implementation.
type digestMD5 struct{ sasl.Mechanism }

func (m digestMD5) Start(ctx context.Context, server string) (SASLExchange, error) {
	return m.Mechanism.Start(ctx, server)
}

func (m digestMD5) Validate() error { return validate(m.Mechanism) }

// coreSASL returns the mechanism as the implementation takes it.
func coreSASL(m SASLMechanism) sasl.Mechanism {
	if own, ok := m.(digestMD5); ok {
		return own.Mechanism
	}
	return mechanism{m}
}

// mechanism is a mechanism of the user.
type mechanism struct{ SASLMechanism }

func (m mechanism) Start(ctx context.Context, server string) (sasl.Exchange, error) {
	return m.SASLMechanism.Start(ctx, server)
}

func (m mechanism) Validate() error { return validate(m.SASLMechanism) }

// validate calls the method Validate of a mechanism that has one.
func validate(m any) error {
	if v, ok := m.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

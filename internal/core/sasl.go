package core

import (
	"context"

	"github.com/docent-go/docent/internal/sasl"
)

// SASLMechanism is a way to log in by SASL (Config.SASL). DigestMD5 makes one; for
// others, such as Kerberos, a program implements this interface. A mechanism must be
// safe for concurrent use, and should print no secret. If it has a method
// Validate() error, Dial and Start call it and refuse the Config with its error.
type SASLMechanism interface {
	// Name returns the mechanism's registered name, such as "GSSAPI".
	Name() string
	// Start begins a login on a new connection to the server, given as the host that
	// Config.Servers names. ctx bounds what the mechanism has to ask of others, such as
	// a ticket. It ends with the connection, and after a time that leaves others to be
	// dialled. Nothing is read from the connection meanwhile.
	//
	// An error that comes before ctx ends is final: it ends Dial, with ErrAuth. A
	// mechanism therefore repeats until ctx ends what may succeed later.
	Start(ctx context.Context, server string) (SASLExchange, error)
}

// SASLExchange is one login on one connection. One goroutine uses it.
type SASLExchange interface {
	// Next takes the server's token, nil if the server sent none, and returns the
	// token to send next. The first call takes nil. done says that the login is
	// complete, and that nothing is to be sent: a mechanism whose client has the last
	// word says so one call later. An error ends the login and the connection.
	Next(challenge []byte) (response []byte, done bool, err error)
}

// DigestMD5 logs in with a user's name and password, which a server's JAAS file lists for
// its DigestLoginModule. The server proves that it knows the password too. The password
// is not sent, but a listener can try passwords against what is sent: use it over TLS.
// The mechanism does not print its secret.
//
// Dial and Start refuse a name or a password that the mechanism cannot carry.
func DigestMD5(user, password string) SASLMechanism {
	return digestMD5{sasl.DigestMD5(user, password)}
}

type digestMD5 struct{ sasl.Mechanism }

func (m digestMD5) Start(ctx context.Context, server string) (SASLExchange, error) {
	return m.Mechanism.Start(ctx, server)
}

func (m digestMD5) Validate() error {
	if v, ok := m.Mechanism.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

func (m digestMD5) String() string   { return m.Name() + ":…" }
func (m digestMD5) GoString() string { return m.String() }

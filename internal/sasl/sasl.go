package sasl

import (
	"context"
	"errors"
)

var (
	// ErrMalformed reports a token of the server that the mechanism cannot take.
	ErrMalformed = errors.New("malformed SASL token from the server")
	// ErrUnproven reports a server that does not prove that it knows the password:
	// it is not the server it poses as, or it refuses the login and keeps the
	// connection.
	ErrUnproven = errors.New("the server has not proven that it knows the password")
)

// Mechanism is a way to prove who the client is. It holds what that takes, and is
// used anew for each connection. All methods are safe for concurrent use. A
// Mechanism shows no secret when it is printed.
type Mechanism interface {
	// Name returns the mechanism's registered name, such as "DIGEST-MD5".
	Name() string
	// Start begins a login on a new connection to the server, which is given as
	// the host that the client is configured with. ctx bounds what the mechanism
	// has to ask of others, such as a ticket of a key distribution center. The
	// error of Start is the mechanism's own: the server has not been asked.
	Start(ctx context.Context, server string) (Exchange, error)
}

// Exchange is one login on one connection. It is not safe for concurrent use.
type Exchange interface {
	// Next takes the server's token, nil if it sent none, and returns the token
	// to send next. The first call takes nil. An empty token is sent like any
	// other.
	//
	// done reports that the login is complete: nothing is to be sent. A
	// mechanism whose client has the last word reports it one call later, with
	// the server's answer to that word. An error ends the exchange and the
	// connection with it.
	Next(challenge []byte) (response []byte, done bool, err error)
}

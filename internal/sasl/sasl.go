package sasl

import (
	"context"
	"errors"
)

var (
	// ErrMalformed reports a token of the server that the mechanism cannot
	// read.
	ErrMalformed = errors.New("malformed SASL token from the server")
	// ErrUnproven reports a server that has not proved that it knows the
	// password. Either it is not the server it claims to be, or it refuses the
	// login and keeps the connection.
	ErrUnproven = errors.New("the server has not proven that it knows the password")
)

// Mechanism is a way to prove the client's identity. It has the credentials,
// and is used again for each connection. All methods are safe for concurrent
// use. A Mechanism shows no secret when it is printed.
type Mechanism interface {
	// Name returns the mechanism's registered name, such as "DIGEST-MD5".
	Name() string
	// Start begins a login on a new connection. server is the host as the
	// client is configured with it. ctx bounds requests to others, such as for
	// a ticket of a key distribution center. An error of Start comes from the
	// mechanism: the server has not been asked.
	Start(ctx context.Context, server string) (Exchange, error)
}

// Exchange is one login on one connection. It is not safe for concurrent use.
type Exchange interface {
	// Next takes the server's token, or nil if it sent none, and returns the
	// token to send next. The first call takes nil. An empty token is sent like
	// any other.
	//
	// done reports that the login is complete and that no token is to be sent.
	// If the client sends the last token, the mechanism reports done one call
	// later, with the server's answer to that token. An error ends the exchange
	// and the connection.
	Next(challenge []byte) (response []byte, done bool, err error)
}

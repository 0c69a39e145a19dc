// Package sasltest runs logins by SASL in tests. The connection of a session
// has a login of its own, which waits for no answer (internal/conn).
package sasltest

import "errors"

// Exchange is sasl.Exchange, whose own tests use this package.
type Exchange interface {
	Next(challenge []byte) (response []byte, done bool, err error)
}

var errEndless = errors.New("the server asks for more SASL tokens than any mechanism needs")

// maxRounds bounds a login. DIGEST-MD5 takes two rounds, GSSAPI three.
const maxRounds = 10

// Login runs an exchange to its end. It calls send with each token. send
// returns the server's token, nil if the answer has none, or the error that
// ends the login, such as a refusal. Login returns the first error of send or
// of the exchange.
func Login(ex Exchange, send func(token []byte) ([]byte, error)) error {
	var challenge []byte
	for range maxRounds {
		response, done, err := ex.Next(challenge)
		if err != nil || done {
			return err
		}
		if challenge, err = send(response); err != nil {
			return err
		}
	}
	return errEndless
}

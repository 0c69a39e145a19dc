package conn

import (
	"fmt"

	"github.com/docent-go/docent/internal/wire"
)

// Login makes an exchange of tokens for each connection.
type Login interface {
	// Begin returns the state of one login.
	Begin() (Exchange, error)
}

// Exchange is one login. Its methods are called in turn, by one goroutine.
type Exchange interface {
	// Next returns the token that answers the server's; nil is the server's before it
	// has said anything. done says that the login is through with what Next returns:
	// with a token the server's answer to it ends the login, and without one at once.
	Next(token []byte) (answer []byte, done bool, err error)
}

// login begins what has to be through before anything else is sent.
func (c *Conn) login() error {
	if c.cfg.Login == nil {
		return c.authenticate()
	}
	x, err := c.cfg.Login.Begin()
	if err != nil {
		c.cfg.Owner.Refused(c, err)
		return err
	}
	return c.exchange(x, nil)
}

// exchange takes a login a step further.
func (c *Conn) exchange(x Exchange, token []byte) error {
	answer, done, err := x.Next(token)
	if err != nil {
		c.cfg.Owner.Refused(c, err)
		return err
	}
	if answer == nil && done {
		return c.authenticate()
	}
	if answer == nil {
		answer = []byte{}
	}
	c.Send(NewCall(wire.OpSASL, wire.SASL(answer), func(call *Call) {
		c.step(call, "sasl", func() error {
			token, err := wire.TokenOf(call.Reply().Body)
			if err != nil {
				return err
			}
			if token == nil {
				token = []byte{}
			}
			return c.exchange(x, token)
		})
	}))
	return nil
}

// step goes on in the gate after an answer, and closes the connection if it cannot.
func (c *Conn) step(call *Call, scheme string, next func() error) {
	if call.Fate() != Answered {
		return
	}
	var err error
	switch code := call.Reply().Code; code.Class() {
	case wire.Done:
		err = next()
	case wire.NotExecuted: // the next connection tries again
		err = fmt.Errorf("the server does not look at the credentials now (%s)", code.Name())
	default:
		err = &RefusedError{scheme, code}
		c.cfg.Owner.Refused(c, err)
	}
	if err != nil {
		c.fail(err)
	}
}

// RefusedError says that a server does not take a login or a credential.
type RefusedError struct {
	Scheme string // "sasl" for a login
	Code   wire.Code
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the server refuses the credentials (scheme %s): %s (%d)", e.Scheme, e.Code.Name(), e.Code)
}

// authenticate presents the credentials, all at once.
func (c *Conn) authenticate() error {
	left := len(c.cfg.Auth)
	if left == 0 {
		return c.open()
	}
	calls := make([]*Call, left)
	for i, cred := range c.cfg.Auth {
		calls[i] = NewCall(wire.OpAuth, wire.Auth(cred.Scheme, cred.Data), func(call *Call) {
			c.step(call, cred.Scheme, func() error {
				if left--; left > 0 {
					return nil
				}
				return c.open()
			})
		})
	}
	c.Send(calls...)
	return nil
}

// open sets the watches again, and lets everybody send.
func (c *Conn) open() error {
	c.Send(c.cfg.Owner.Watches(c)...)
	c.opened.Store(true)
	c.cfg.Owner.Opened(c)
	return nil
}

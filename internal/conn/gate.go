package conn

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/sasl"
	"github.com/docent-go/docent/internal/wire"
)

// Exchange is one login by SASL.
type Exchange = sasl.Exchange

// maxRounds bounds a login, because the server may go on asking.
const maxRounds = 10

var errEndless = errors.New("the server asks for more SASL tokens than any mechanism needs")

// login begins the steps that must be complete before any other request is
// sent.
func (c *Conn) login() error {
	if c.cfg.Login == nil {
		return c.authenticate()
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.cfg.Patience)
	defer cancel()
	c.cfg.Go(func() {
		select {
		case <-c.closed:
			cancel()
		case <-ctx.Done():
		}
	})
	x, err := c.cfg.Login(ctx)
	switch {
	case err == nil:
	case ctx.Err() != nil: // at the next server it may be quicker
		return fmt.Errorf("the SASL mechanism did not begin the login within %v: %w", c.cfg.Patience, err)
	default:
		c.cfg.Owner.Refused(c, err)
		return err
	}
	return c.exchange(x, nil, 0)
}

// exchange does the next step of a login.
func (c *Conn) exchange(x Exchange, challenge []byte, round int) error {
	answer, done, err := x.Next(challenge)
	if err == nil && !done && round == maxRounds {
		err = errEndless
	}
	if err != nil {
		c.cfg.Owner.Refused(c, err)
		return err
	}
	if done {
		return c.authenticate()
	}
	if answer == nil {
		answer = []byte{}
	}
	blank := round == 0 && len(answer) == 0
	c.Send(NewCall(wire.SASL(answer), func(call *Call) {
		c.step(call, RefusedError{Scheme: SchemeSASL, Blank: blank}, func() error {
			token, err := wire.TokenOf(call.Reply().Body)
			if err != nil {
				return err
			}
			return c.exchange(x, token, round+1)
		})
	}))
	return nil
}

// step continues the gate after an answer, and closes the connection if it
// cannot continue. The error refused has no code yet.
func (c *Conn) step(call *Call, refused RefusedError, next func() error) {
	if call.Fate() != Answered {
		return
	}
	var err error
	switch code := call.Reply().Code; code.Class() {
	case wire.Done:
		err = next()
	case wire.NotExecuted: // the next connection tries again
		err = fmt.Errorf("the server did not check the credentials: %s (%d)", code.Name(), code)
	default:
		refused.Code = code
		err = &refused
		c.cfg.Owner.Refused(c, err)
	}
	if err != nil {
		c.Fail(err)
	}
}

// SchemeSASL is the scheme of a SASL login in a RefusedError.
const SchemeSASL = "sasl"

// RefusedError says that a server refuses a login or a credential.
type RefusedError struct {
	Scheme string
	Code   wire.Code
	Blank  bool // the refused token is the first and empty: the server has seen no name and no password
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the server rejects the credentials (scheme %s): %s (%d)", e.Scheme, e.Code.Name(), e.Code)
}

// authenticate sends all credentials at once.
func (c *Conn) authenticate() error {
	left := len(c.cfg.Auth)
	if left == 0 {
		return c.open()
	}
	calls := make([]*Call, left)
	for i, cred := range c.cfg.Auth {
		calls[i] = NewCall(wire.Auth(cred.Scheme, cred.Data), func(call *Call) {
			c.step(call, RefusedError{Scheme: cred.Scheme}, func() error {
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

// open sets the watches again, and then lets the session send.
func (c *Conn) open() error {
	c.Send(c.cfg.Owner.Watches(c)...)
	c.opened.Store(true)
	c.cfg.Owner.Opened(c)
	return nil
}

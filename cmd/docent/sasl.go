package main

import (
	"errors"

	"github.com/docent-go/docent/session"
)

// saslPassword is the variable with the password of --sasl-user. No flag takes
// a password, since other users of the machine can read a command line.
const saslPassword = "DOCENT_SASL_PASSWORD"

// sasl returns the login of the flags, or nil without one. Its errors are
// *usageErrors, and show no password.
func (g *globals) sasl(a *app) (session.SASLMechanism, error) {
	password := a.getenv(saslPassword)
	switch {
	case g.SASLUser == "" && g.SASLPasswordFile != "":
		return nil, usagef("--sasl-password-file (or DOCENT_SASL_PASSWORD_FILE): the user is missing; give --sasl-user")
	case g.SASLUser == "" && password != "":
		return nil, usagef(saslPassword + ": the user is missing; give --sasl-user, or unset the variable")
	case g.SASLUser == "":
		return nil, nil
	}
	from := saslPassword
	if g.SASLPasswordFile != "" {
		from, password = "--sasl-password-file", string(a.files.saslPassword)
	}
	if password == "" {
		return nil, usagef("--sasl-user: the password is missing; give --sasl-password-file, or set %s", saslPassword)
	}
	login := session.DigestMD5(g.SASLUser, password)
	if v, ok := login.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return nil, usagef("--sasl-user, %s: %v", from, err)
		}
	}
	return login, nil
}

// errLogin matches a loginError.
var errLogin = errors.New("the login by SASL fails")

// loginError is a failed login, with the text of the session's error.
type loginError struct{ err error }

func (e *loginError) Error() string        { return e.err.Error() }
func (e *loginError) Unwrap() error        { return e.err }
func (e *loginError) Is(target error) bool { return target == errLogin }

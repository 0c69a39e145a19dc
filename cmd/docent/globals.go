package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/docent-go/docent/session"
)

// globals are the flags of every command that talks to ZooKeeper.
type globals struct {
	Servers          string        `connects:"" default:"127.0.0.1:2181" placeholder:"HOST:PORT,.../ROOT" help:"The servers of ZooKeeper. A path after them is the root: all other paths are relative to it. Default: 127.0.0.1:2181. Variable: DOCENT_SERVERS."`
	Timeout          time.Duration `default:"10s" help:"Session timeout to ask for. Others wait that long for a process that crashed."`
	ConnectTimeout   time.Duration `default:"10s" help:"How long to try to reach ZooKeeper."`
	AuthFile         string        `connects:"" name:"auth-file" placeholder:"FILE" help:"A file with the credentials, digest:USER:PASSWORD. A line break at its end is ignored. /dev/fd/3 is descriptor 3. Variable: DOCENT_AUTH_FILE."`
	Auth             string        `placeholder:"digest:USER:PASSWORD" help:"The credentials themselves. Variable: DOCENT_AUTH. Other users of the machine can see a flag, but not the variable: use --auth-file."`
	SASLUser         string        `connects:"" name:"sasl-user" placeholder:"NAME" help:"Log in by SASL (DIGEST-MD5) as this user. The password is in --sasl-password-file or in the variable DOCENT_SASL_PASSWORD. Variable: DOCENT_SASL_USER."`
	SASLPasswordFile string        `connects:"" name:"sasl-password-file" placeholder:"FILE" help:"A file with the password of --sasl-user. A line break at its end is ignored. Variable: DOCENT_SASL_PASSWORD_FILE."`
	ACL              string        `name:"acl" placeholder:"open|creator" values:"open,creator" help:"ACL of new znodes: open to everyone, or to their creator alone. The creator needs --auth-file, --sasl-user or --tls-cert. Default: open. Variable: DOCENT_ACL."`
	Exposed          string        `name:"exposed" default:"warn" placeholder:"warn|reject|ignore" values:"warn,reject,ignore" help:"With --acl creator: what to do about a directory in which others may create or delete znodes: warn, reject (fail) or ignore. Default: warn."`
	TLS              bool          `connects:"" name:"tls" help:"Use TLS. Without --tls-ca, trust the system's certificate authorities. Variable: DOCENT_TLS=1."`
	TLSCA            string        `connects:"" name:"tls-ca" placeholder:"FILE" help:"Use TLS, and trust the certificate authorities in this PEM file alone. Variable: DOCENT_TLS_CA."`
	TLSCert          string        `connects:"" name:"tls-cert" placeholder:"FILE" help:"Use TLS, and present the certificate in this PEM file. Variable: DOCENT_TLS_CERT."`
	TLSKey           string        `connects:"" name:"tls-key" placeholder:"FILE" help:"The private key of --tls-cert, as a PEM file. Variable: DOCENT_TLS_KEY."`
	TLSServerName    string        `connects:"" name:"tls-server-name" placeholder:"NAME" help:"Use TLS, and expect this name in the certificates of all servers. Default: the server's name in --servers. Variable: DOCENT_TLS_SERVER_NAME."`
	JSON             bool          `name:"json" help:"Print one JSON object per line."`
	Verbose          bool          `short:"v" help:"Log the session's events to standard error."`
}

// variables are the environment variables that set a flag.
var variables = map[string]string{
	"servers":   "DOCENT_SERVERS",
	"auth-file": "DOCENT_AUTH_FILE",
	"auth":      "DOCENT_AUTH",
	"sasl-user": "DOCENT_SASL_USER",
	"acl":       "DOCENT_ACL",
	"token":     "DOCENT_UI_TOKEN",

	"sasl-password-file": "DOCENT_SASL_PASSWORD_FILE",

	"tls":             "DOCENT_TLS",
	"tls-ca":          "DOCENT_TLS_CA",
	"tls-cert":        "DOCENT_TLS_CERT",
	"tls-key":         "DOCENT_TLS_KEY",
	"tls-server-name": "DOCENT_TLS_SERVER_NAME",
}

// config turns the flags into a session's configuration. Its errors are
// *usageErrors.
func (g *globals) config(a *app) (session.Config, error) {
	cfg := session.Config{Timeout: g.Timeout, Logger: a.log, Dialer: a.dial}
	var err error
	if cfg.Servers, cfg.Root, err = session.ParseConnect(g.Servers); err != nil {
		return cfg, usagef("--servers: %v; write it as host:port,host:port or host:port/root", err)
	}
	if g.Timeout < 100*time.Millisecond || g.Timeout > 24*time.Hour {
		return cfg, usagef("--timeout: %v is out of range; give 100ms to 24h", g.Timeout)
	}
	if g.ConnectTimeout <= 0 {
		return cfg, usagef("--connect-timeout: %v is not above zero; give a time such as 10s", g.ConnectTimeout)
	}
	if g.Auth != "" {
		// No error shows any part of the value, however wrong it is.
		scheme, secret, _ := strings.Cut(g.Auth, ":")
		user, password, ok := strings.Cut(secret, ":")
		switch {
		case scheme != "digest" || user == "" || !ok:
			return cfg, usagef("%s: the credentials have another form; write digest:USER:PASSWORD", g.authFlag())
		case password == "":
			return cfg, usagef("%s: the password is empty; write digest:USER:PASSWORD", g.authFlag())
		case strings.ContainsFunc(g.Auth, unicode.IsControl) || strings.TrimSpace(g.Auth) != g.Auth:
			return cfg, usagef("%s: the value has a line break or another control character, or a space at an end; remove it", g.authFlag())
		}
		cfg.Auth = []session.Credential{session.Digest(user, password)}
	}
	if cfg.SASL, err = g.sasl(a); err != nil {
		return cfg, err
	}
	if cfg.ACL, err = g.acl(); err != nil {
		return cfg, err
	}
	if cfg.Directories, err = g.directories(); err != nil {
		return cfg, err
	}
	if cfg.TLS, err = g.tls(a.files); err != nil {
		return cfg, err
	}
	return cfg, nil
}

// connect opens the session, with a configuration that change may change. The
// manager is the caller's to close.
func (a *app) connect(ctx context.Context, change ...func(*session.Config)) (*session.Manager, error) {
	cfg, err := a.globals.config(a)
	if err != nil {
		return nil, err
	}
	for _, f := range change {
		f(&cfg)
	}
	if warning := a.globals.openWarning(); warning != "" && a.creates {
		a.note("warning: %s", warning)
	}
	within, cancel := context.WithTimeout(ctx, a.globals.ConnectTimeout)
	defer cancel()
	cfg.Hooks = append(cfg.Hooks, &a.answered)
	sm, err := session.Dial(within, cfg)
	if err != nil {
		return nil, a.unreachable(err)
	}
	a.sm = sm
	return sm, nil
}

// unreachable adds the servers, the time and the last failure to the error of a
// connection or a request that got no answer.
func (a *app) unreachable(err error) error {
	if errors.Is(err, session.ErrUnreachable) || errors.Is(err, context.DeadlineExceeded) {
		if a.sm != nil && !errors.Is(err, session.ErrNotServing) {
			if last := a.sm.LastFailure(); last != nil {
				err = fmt.Errorf("%w: %w (last failure: %w)", session.ErrUnreachable, err, last)
			}
		}
		return &unreachableError{a.globals.Servers, a.globals.ConnectTimeout, err}
	}
	if a.globals.SASLUser != "" && errors.Is(err, session.ErrAuth) {
		return &loginError{err}
	}
	return fmt.Errorf("connect to %s: %w", a.globals.Servers, err)
}

// once runs f with the limit of --connect-timeout: the server may have failed
// after the session was opened.
func (a *app) once(ctx context.Context, f func(ctx context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, a.globals.ConnectTimeout)
	defer cancel()
	err := f(within)
	if err != nil && ctx.Err() == nil && within.Err() != nil && !errors.Is(err, session.ErrUnknownOutcome) {
		if a.answered.since(time.Now().Add(-a.globals.ConnectTimeout / 4)) {
			return &slowError{a.globals.ConnectTimeout, err}
		}
		return a.unreachable(err)
	}
	return err
}

// answered notes when a server has answered a request. It is a session.HookOp.
type answered struct{ at atomic.Int64 }

// OnOp implements session.HookOp.
func (l *answered) OnOp(op session.OpInfo) {
	if op.Err == nil {
		l.at.Store(time.Now().UnixNano())
	}
}

// since reports whether a server has answered since t.
func (l *answered) since(t time.Time) bool { return l.at.Load() > t.UnixNano() }

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/docent-go/docent/session"
)

// globals are the flags of every command that talks to ZooKeeper.
type globals struct {
	Servers          string        `default:"127.0.0.1:2181" placeholder:"HOST:PORT,.../ROOT" help:"The servers of ZooKeeper. A path after them is the root: all other paths are relative to it. Default: 127.0.0.1:2181. Variable: DOCENT_SERVERS."`
	Timeout          time.Duration `default:"10s" help:"Session timeout to ask for. Others wait that long for a process that crashed."`
	ConnectTimeout   time.Duration `default:"10s" help:"How long to try to reach ZooKeeper."`
	Auth             string        `placeholder:"digest:USER:PASSWORD" help:"Credentials. Variable: DOCENT_AUTH. Other users of the machine can see a flag, but not the variable."`
	SASLUser         string        `name:"sasl-user" placeholder:"NAME" help:"Log in by SASL (DIGEST-MD5) as this user. The password is in the variable DOCENT_SASL_PASSWORD or in --sasl-password-file. Variable: DOCENT_SASL_USER."`
	SASLPasswordFile string        `name:"sasl-password-file" placeholder:"FILE" help:"A file with the password of --sasl-user. A line break at its end is ignored."`
	ACL              string        `name:"acl" default:"open" placeholder:"open|creator" help:"ACL of new znodes: open to everyone, or to their creator alone. The creator needs --auth, --sasl-user or --tls-cert. Default: open."`
	TLSCA            string        `name:"tls-ca" placeholder:"FILE" help:"Use TLS, and trust the certificate authorities in this PEM file."`
	TLSCert          string        `name:"tls-cert" placeholder:"FILE" help:"Use TLS, and present the certificate in this PEM file."`
	TLSKey           string        `name:"tls-key" placeholder:"FILE" help:"The private key of --tls-cert, as a PEM file."`
	JSON             bool          `name:"json" help:"Print one JSON object per line."`
	Verbose          bool          `short:"v" help:"Log the session's events to standard error."`
}

// variables are the environment variables that set a flag.
var variables = map[string]string{
	"servers":   "DOCENT_SERVERS",
	"auth":      "DOCENT_AUTH",
	"sasl-user": "DOCENT_SASL_USER",
	"token":     "DOCENT_UI_TOKEN",
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
			return cfg, usagef("--auth (or DOCENT_AUTH): the credentials have another form; write digest:USER:PASSWORD")
		case password == "":
			return cfg, usagef("--auth (or DOCENT_AUTH): the password is empty; write digest:USER:PASSWORD")
		case strings.ContainsFunc(g.Auth, unicode.IsControl) || strings.TrimSpace(g.Auth) != g.Auth:
			return cfg, usagef("--auth (or DOCENT_AUTH): the value has a line break or another control character, or a space at an end; remove it")
		}
		cfg.Auth = []session.Credential{session.Digest(user, password)}
	}
	if cfg.SASL, err = g.sasl(a.environment); err != nil {
		return cfg, err
	}
	if cfg.ACL, err = g.acl(); err != nil {
		return cfg, err
	}
	if cfg.TLS, err = g.tls(); err != nil {
		return cfg, err
	}
	return cfg, nil
}

// tls returns nil when no flag asks for TLS.
func (g *globals) tls() (*tls.Config, error) {
	if g.TLSCA == "" && g.TLSCert == "" && g.TLSKey == "" {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if g.TLSCA != "" {
		pem, err := os.ReadFile(g.TLSCA)
		if err != nil {
			return nil, usagef("--tls-ca: %v; give a file that docent can read", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, usagef("--tls-ca: %s has no PEM certificate; give the file of a certificate authority", g.TLSCA)
		}
	}
	if (g.TLSCert == "") != (g.TLSKey == "") {
		return nil, usagef("--tls-cert and --tls-key: one is given without the other; give both")
	}
	if g.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(g.TLSCert, g.TLSKey)
		if err != nil {
			return nil, usagef("--tls-cert, --tls-key: %v; give a certificate and its key as PEM files", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// connect opens the session. The manager is the caller's to close.
func (a *app) connect(ctx context.Context) (*session.Manager, error) {
	cfg, err := a.globals.config(a)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, a.globals.ConnectTimeout)
	defer cancel()
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
		return a.unreachable(err)
	}
	return err
}

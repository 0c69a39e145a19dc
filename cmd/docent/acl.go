package main

import (
	"github.com/docent-go/docent/session"
)

// acl returns the ACL of --acl for the nodes that the command creates. Its
// errors are *usageErrors.
func (g *globals) acl() ([]session.ACL, error) {
	switch g.ACL {
	case "open", "":
		return session.WorldACL(session.PermAll), nil
	case "creator":
		if err := g.needCredentials("--acl creator: the ACL names your credentials, and there are none"); err != nil {
			return nil, err
		}
		return session.CreatorACL(), nil
	}
	return nil, usagef("--acl %q is unknown; use open or creator", g.ACL)
}

// hasCredentials reports whether the server may give the session an identity.
func (g *globals) hasCredentials() bool { return g.Auth != "" || g.SASLUser != "" || g.TLSCert != "" }

// needCredentials returns a *usageError that begins with what if there are no
// credentials.
func (g *globals) needCredentials(what string) error {
	if g.hasCredentials() {
		return nil
	}
	return usagef("%s; give --auth-file (or DOCENT_AUTH), --sasl-user, or --tls-cert where the server takes certificates for credentials", what)
}

// directories returns the policy of --exposed. Its errors are *usageErrors.
func (g *globals) directories() (session.DirectoryPolicy, error) {
	switch g.Exposed {
	case "warn":
		return session.WarnExposed, nil
	case "reject":
		if g.ACL != "creator" {
			return 0, usagef("--exposed reject: with --acl open every znode is open to everyone; give --acl creator too")
		}
		return session.RejectExposed, nil
	case "ignore":
		return session.IgnoreExposed, nil
	}
	return 0, usagef("--exposed %q is unknown; use warn, reject or ignore", g.Exposed)
}

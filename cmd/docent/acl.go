package main

import (
	"github.com/docent-go/docent/session"
)

// acl returns the ACL of --acl for the nodes that the command creates. Its
// errors are *usageErrors.
func (g *globals) acl() ([]session.ACL, error) {
	switch g.ACL {
	case "open":
		return session.WorldACL(session.PermAll), nil
	case "creator":
		if g.Auth == "" && g.SASLUser == "" && g.TLSCert == "" {
			return nil, usagef("--acl creator: docent has no credentials, which that ACL needs; " +
				"give --auth (or DOCENT_AUTH), --sasl-user, or --tls-cert where the server takes certificates for credentials")
		}
		return session.CreatorACL(), nil
	}
	return nil, usagef("--acl %q is unknown; use open or creator", g.ACL)
}

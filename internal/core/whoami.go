package core

import (
	"context"
	"errors"

	"github.com/docent-go/docent/internal/wire"
)

const (
	whoAmIOp    = "get identities"
	needsWhoAmI = "WhoAmI needs ZooKeeper 3.7 or later"
)

// Identity is one identity that a server has given a session.
type Identity struct {
	Scheme string // such as ip, digest, x509 or sasl
	ID     string // depends on the scheme: an address, or a user's name without the password
}

// WhoAmI returns the session's identities at the server: the address of the
// client, and one for each accepted credential. ACLs grant their permissions to
// these identities.
//
// ctx bounds the request, which like every read is repeated over lost
// connections. Errors: ErrUnimplemented on servers before ZooKeeper 3.7;
// ErrSessionEnded; ctx's error. Those servers close the connection for the
// request, so the Manager sends them no second one. WhoAmI is safe for
// concurrent use.
func (s *Session) WhoAmI(ctx context.Context) ([]Identity, error) {
	s.made()
	if s.m.noIdentities.Load() {
		return nil, needs(s.refuse(whoAmIOp, "/", ErrUnimplemented), needsWhoAmI)
	}
	ids, err := read(ctx, s, whoAmIOp, "/", request[[]Identity]{
		frame: wire.WhoAmI,
		parse: func(body []byte) ([]Identity, error) {
			list, err := wire.IdentitiesOf(body)
			ids := make([]Identity, len(list))
			for i, id := range list {
				ids[i] = Identity(id)
			}
			return ids, err
		},
	})
	if errors.Is(err, ErrUnimplemented) {
		s.m.noIdentities.Store(true)
	}
	return ids, needs(err, needsWhoAmI)
}

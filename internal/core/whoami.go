package core

import (
	"context"

	"github.com/docent-go/docent/internal/wire"
)

const whoAmIOp = "who am I"

// Identity is one identity that a server has given a session.
type Identity struct {
	Scheme string // such as ip, digest, x509, sasl
	ID     string // in the scheme's own terms: an address, or a user's name without the password
}

// WhoAmI returns the identities that the server knows the session by: the address of
// the client, and one for each credential that the server has taken. ACLs grant their
// permissions to these.
//
// ctx bounds the request, which like every read is repeated over lost connections.
// Errors: ErrUnimplemented on servers before ZooKeeper 3.7, which close the connection
// to say so; ErrSessionEnded; ctx's error. WhoAmI is safe for concurrent use.
func (s *Session) WhoAmI(ctx context.Context) ([]Identity, error) {
	s.made()
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
	return ids, needs(err, "WhoAmI needs ZooKeeper 3.7 or later")
}

package security

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/sasl"
	"github.com/docent-go/docent/internal/sasl/sasltest"
	"github.com/docent-go/docent/internal/wire"
)

const (
	authFailed   wire.Code = -115
	requiresSASL wire.Code = -124
)

// TestSASL logs in to real servers and to the embedded one. Each connection
// uses the mechanism again.
func TestSASL(t *testing.T) {
	onSASL(t, func(t *testing.T, s saslServer) {
		refused := authFailed
		if s.required {
			refused = requiresSASL
		}
		t.Run("every user", func(t *testing.T) {
			for user, password := range saslPasswords {
				m := sasl.DigestMD5(user, password)
				for range 2 {
					w := s.connect(t)
					require.NoError(t, w.login(m, "localhost"), user)
					require.Equal(t, user, w.identities()["sasl"])
				}
			}
		})
		t.Run("a wrong password", func(t *testing.T) {
			for _, m := range []sasl.Mechanism{
				// ZooKeeper 3.8.0 accepts an unknown user with the password of
				// the previous user. So this one has no user's password.
				sasl.DigestMD5("ann", "guess"), sasl.DigestMD5("eve", "guess"), sasl.DigestMD5("漢字", "密 e"),
			} {
				w := s.connect(t)
				require.Equal(t, refusal(refused), w.login(m, "localhost"))
				w.requireClosed()
			}
		})
		t.Run("no login", func(t *testing.T) {
			w := s.connect(t)
			if !s.required {
				require.NotContains(t, w.identities(), "sasl")
				return
			}
			reply := w.ask(wire.OpWhoAmI, nil)
			require.Equal(t, wire.Reply{Xid: w.xid, Code: requiresSASL, Body: []byte{}}, reply)
			w.requireClosed()
		})
		t.Run("what follows a wrong password", func(t *testing.T) {
			w := s.connect(t)
			w.token([]byte{})
			both := slices.Concat(
				w.request(wire.OpSASL, func(e *wire.Encoder) { e.Buffer([]byte("guess")) }),
				w.request(wire.OpCreate, func(e *wire.Encoder) {
					e.String("/follows")
					e.Buffer(nil)
					e.Int32(1)
					e.Int32(31)
					e.String("world")
					e.String("anyone")
					e.Int32(0)
				}))
			_, err := w.c.Write(both)
			require.NoError(t, err)
			reply, err := w.next()
			require.NoError(t, err)
			require.Equal(t, refused, reply.Code)
			w.requireClosed()

			w = s.connect(t)
			require.NoError(t, w.login(sasl.DigestMD5("ann", annsPassword), "localhost"))
			reply = w.ask(wire.OpExists, func(e *wire.Encoder) { e.String("/follows"); e.Bool(false) })
			require.Equal(t, wire.CodeNoNode, reply.Code, "the request is not executed")
		})
		// The server's proof is changed on the way, as if the server did not
		// know the password.
		t.Run("no proof", func(t *testing.T) {
			w := s.connect(t)
			x, err := sasl.DigestMD5("ann", annsPassword).Start(within(t), "localhost")
			require.NoError(t, err)
			err = sasltest.Login(x, func(token []byte) ([]byte, error) {
				_, answer := w.token(token)
				if strings.HasPrefix(string(answer), "rspauth=") {
					answer[len(answer)-1] ^= 1
				}
				return answer, nil
			})
			require.ErrorIs(t, err, sasl.ErrUnproven)
		})
	})
}

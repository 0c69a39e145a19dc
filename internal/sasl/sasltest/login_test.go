package sasltest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// scripted is an exchange that needs a number of rounds.
type scripted struct {
	rounds int
	heard  []string
	fails  error
}

func (s *scripted) Next(challenge []byte) ([]byte, bool, error) {
	s.heard = append(s.heard, fmt.Sprintf("%q %v", challenge, challenge == nil))
	s.rounds--
	return []byte{byte('a' + s.rounds)}, s.rounds < 0, s.fails
}

// In an exchange like GSSAPI's the client sends the last token. It learns from
// an answer without a token that the server has accepted it.
func TestLogin(t *testing.T) {
	x := &scripted{rounds: 3}
	answers := [][]byte{{}, []byte("wrap"), nil}
	var sent []string
	require.NoError(t, Login(x, func(token []byte) ([]byte, error) {
		sent = append(sent, string(token))
		answer := answers[0]
		answers = answers[1:]
		return answer, nil
	}))
	require.Equal(t, []string{"c", "b", "a"}, sent)
	require.Equal(t, []string{`"" true`, `"" false`, `"wrap" false`, `"" true`}, x.heard)

	refused := errors.New("refused")
	require.Equal(t, refused, Login(&scripted{rounds: 3}, func([]byte) ([]byte, error) { return nil, refused }))
	require.Equal(t, refused, Login(&scripted{fails: refused}, nil), "an error of the exchange ends it")

	rounds := 0
	err := Login(&scripted{rounds: 1000}, func([]byte) ([]byte, error) { rounds++; return nil, nil })
	require.ErrorIs(t, err, errEndless)
	require.Equal(t, maxRounds, rounds)
}

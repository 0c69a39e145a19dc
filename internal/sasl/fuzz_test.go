package sasl

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzChallenge answers hostile challenges. The answer repeats what the client
// understood, and a strict server can read the answer.
func FuzzChallenge(f *testing.F) {
	for _, seed := range []string{
		good, "", `realm="r\"\\\e",nonce="n\\,=\"",algorithm=md5-sess`,
		"\t, ,realm = r ,,\r\n nonce=n,algorithm=md5-sess , ",
		`realm="` + "\xc3\xa9" + `",nonce=n,algorithm=md5-sess,charset=utf-8`, good + `,nonce="n"`, good + `,x="y\`, good + ",x=\x00",
		`realm="",nonce="` + strings.Repeat(`\"`, 900) + `",algorithm=md5-sess`,
	} {
		f.Add([]byte(seed), []byte("rspauth=ea40f60335c427b5527b84dbabcdfffd"))
		f.Add([]byte(seed), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, token, last []byte) {
		x, err := DigestMD5("josé", "secret").Start(t.Context(), "")
		require.NoError(t, err)
		_, _, err = x.Next(nil)
		require.NoError(t, err)
		response, done, err := x.Next(token)
		require.False(t, done)
		if err != nil {
			require.True(t, errors.Is(err, ErrMalformed) || strings.Contains(err.Error(), "more than a server accepts"), "%v", err)
			require.NotContains(t, err.Error(), "\n")
			require.Nil(t, response)
			_, done, err = x.Next(last)
			require.Error(t, err)
			require.False(t, done)
			return
		}
		require.LessOrEqual(t, len(response), maxResponse)
		sent, err := readChallenge(token)
		require.NoError(t, err)
		if len(response) <= maxChallenge {
			got, err := parse(response)
			require.NoError(t, err, "%q", response)
			require.Equal(t, sent.realm, got["realm"])
			require.Equal(t, sent.nonce, got["nonce"])
			require.Equal(t, "auth", got["qop"])
		}
		_, done, err = x.Next(last)
		require.Error(t, err, "no fuzzer finds the proof")
		require.False(t, done)
	})
}

// FuzzDirectives writes what it has read, with its own quoting, and reads it
// again.
func FuzzDirectives(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(`realm="a\b\"",stale=,x=y`))
	f.Fuzz(func(t *testing.T, token []byte) {
		found, err := parse(token)
		if err != nil {
			require.ErrorIs(t, err, ErrMalformed)
			return
		}
		var parts []string
		for name, value := range found {
			parts = append(parts, name+"="+quote(value))
		}
		line := strings.Join(parts, ",")
		if len(line) > maxChallenge {
			return
		}
		again, err := parse([]byte(line))
		require.NoError(t, err, "%q", line)
		require.Equal(t, found, again)
	})
}

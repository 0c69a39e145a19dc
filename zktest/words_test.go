package zktest_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// word sends a four-letter word and returns the answer.
func word(t *testing.T, s *zktest.Server, text string) string {
	t.Helper()
	c, err := s.Dial("tcp", "any", time.Second)
	require.NoError(t, err)
	_, err = c.Write([]byte(text))
	require.NoError(t, err)
	answer, err := io.ReadAll(c)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	return string(answer)
}

// The words tell the version that the server plays, its sessions and watches.
func TestWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for release, version := range map[zktest.Release]string{zktest.V35: "3.5.10", zktest.V38: "3.8.0", zktest.V39: "3.9.6"} {
			s := zktest.New(t, zktest.Version(release))
			for _, text := range []string{"srvr", "stat", "envi", "mntr"} {
				require.Contains(t, word(t, s, text), version, text)
			}
			require.Equal(t, "imok", word(t, s, "ruok"))
			require.Equal(t, "rw", word(t, s, "isro"))
			require.Empty(t, word(t, s, "oops"))
		}
	})
}

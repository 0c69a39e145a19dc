package zktest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestRestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		old := connect(t, s.Dial, 9*time.Second)
		old.create(t, "/kept", "1", 0)
		old.create(t, "/deleted", "", zk.FlagEphemeral)
		closed := connect(t, s.Dial, 9*time.Second)
		closed.create(t, "/closed", "", zk.FlagEphemeral)
		backup := s.Backup()

		require.NoError(t, s.Put("/kept", []byte("2")))
		require.NoError(t, s.Remove("/deleted"))
		closed.Close()
		later := connect(t, s.Dial, 9*time.Second)
		later.create(t, "/later", "", zk.FlagEphemeral)
		id, seen := later.SessionID(), s.Zxid()
		require.Equal(t, []string{"/kept", "/later"}, s.Paths())

		for range 2 { // a backup can be restored again
			s.Restore(backup)
			require.Equal(t, []string{"/closed", "/deleted", "/kept"}, s.Paths())
			require.Greater(t, s.Zxid()>>32, seen>>32, "a later epoch")
			n, _ := s.Node("/kept")
			require.Equal(t, "1", string(n.Data))
			require.Less(t, n.Stat.Mzxid, seen)
		}
		time.Sleep(2 * time.Second)
		require.Equal(t, zk.StateHasSession, old.State())
		require.True(t, later.saw(zk.StateExpired))
		require.NotEqual(t, id, later.SessionID())
		time.Sleep(10 * time.Second)
		require.Equal(t, []string{"/deleted", "/kept"}, s.Paths(), "the closed session has expired again")

		require.NoError(t, s.Put("/kept", []byte("3")))
		s.Restore(backup)
		n, _ := s.Node("/kept")
		require.Equal(t, "1", string(n.Data), "the backup has not changed")
	})
}

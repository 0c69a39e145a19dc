package zktest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		s.ResetCounts()
		c.create(t, "/a", "", 0)
		c.create(t, "/b", "", 0)
		_, _, err := c.Children("/")
		require.NoError(t, err)
		require.Equal(t, map[zktest.Op]int{zktest.OpCreate: 2, zktest.OpGetChildren2: 1}, s.Counts())
		require.Equal(t, "getChildren2", zktest.OpGetChildren2.String())
		require.Equal(t, "op(99)", zktest.Op(99).String())
	})
}

func TestNodeAndSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		c.create(t, "/a", "data", 0)
		c.create(t, "/a/e", "", zk.FlagEphemeral)
		n, ok := s.Node("/a")
		require.True(t, ok)
		require.Equal(t, "data", string(n.Data))
		require.Equal(t, []string{"e"}, n.Children)
		require.Equal(t, []zktest.ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}, n.ACL)
		require.Equal(t, time.Now().UnixMilli(), n.Stat.Ctime)
		_, ok = s.Node("/nope")
		require.False(t, ok)
		require.Equal(t, []zktest.SessionInfo{{
			ID: c.SessionID(), Timeout: 10 * time.Second, Connected: true, Ephemerals: []string{"/a/e"},
			LastHeard: time.Now(), ExpiresAt: time.Now().Add(10 * time.Second),
		}}, s.Sessions())
	})
}

func TestOnChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		var seen []zktest.Change
		remove := s.OnChange(func(ch zktest.Change) {
			seen = append(seen, ch)
			s.Paths() // looking is allowed
		})
		c.create(t, "/a", "1", 0)
		require.Len(t, seen, 1, "the observer knows before the client does")
		_, err := c.Set("/a", []byte("2"), -1)
		require.NoError(t, err)
		_, err = c.SetACL("/a", open, -1)
		require.NoError(t, err)
		require.NoError(t, s.Remove("/a"))
		remove()
		require.NoError(t, s.Put("/b", nil))
		zxid := s.Zxid() - 4
		want := []zktest.Change{
			{Kind: zktest.Created, Path: "/a", Data: []byte("1"), Zxid: zxid, Session: c.SessionID()},
			{Kind: zktest.DataChanged, Path: "/a", Data: []byte("2"), Zxid: zxid + 1, Session: c.SessionID()},
			{Kind: zktest.ACLChanged, Path: "/a", Zxid: zxid + 2, Session: c.SessionID()},
			{Kind: zktest.Deleted, Path: "/a", Zxid: zxid + 3},
		}
		for i := range want {
			want[i].Time = time.Now()
		}
		require.Equal(t, want, seen)
		require.Equal(t, "deleted", zktest.Deleted.String())
	})
}

func TestPutAndRemove(t *testing.T) {
	s := zktest.New(t)
	require.NoError(t, s.Put("/a/b/c", []byte("x")))
	require.NoError(t, s.Put("/a/b/c", []byte("y")))
	require.NoError(t, s.Put("/ab", nil))
	n, _ := s.Node("/a/b/c")
	require.Equal(t, "y", string(n.Data))
	require.EqualValues(t, 1, n.Stat.Version)
	require.ErrorIs(t, s.Put("relative", nil), zktest.CodeBadArguments)
	require.NoError(t, s.Remove("/a"))
	require.Equal(t, []string{"/ab"}, s.Paths())
	require.ErrorIs(t, s.Remove("/a"), zktest.CodeNoNode)
	require.ErrorIs(t, s.Remove("/"), zktest.CodeBadArguments)
	require.ErrorIs(t, s.Remove("/zookeeper"), zktest.CodeBadArguments)
	require.Equal(t, "zktest:2181", s.Addr())
}

package zktest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestCreate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		require.Equal(t, "/a", c.create(t, "/a", "x", 0))
		require.Equal(t, "/a/n-0000000000", c.create(t, "/a/n-", "", zk.FlagSequence))
		require.Equal(t, "/a/e", c.create(t, "/a/e", "", zk.FlagEphemeral))
		require.Equal(t, "/a/0000000002", c.create(t, "/a/", "", zk.FlagSequence|zk.FlagEphemeral))

		for path, want := range map[string]error{
			"/a":      zk.ErrNodeExists,
			"/nope/x": zk.ErrNoNode,
			"/a/e/x":  zk.ErrNoChildrenForEphemerals,
		} {
			_, err := c.Create(path, nil, 0, open)
			require.ErrorIs(t, err, want, path)
		}
		r := rawSession(t, s) // the client itself refuses such paths
		for _, path := range []string{"", "x", "/a/", "//", "/a/.", "/a/..", "/a/\x00", "/a/\x7f", "/a/\U0001F600"} {
			got := r.ask(zktest.OpCreate, str(path), i4(-1), anyone, i4(0))
			require.Equal(t, zktest.CodeBadArguments, got.code, "%q", path)
		}
		require.Equal(t, zktest.CodeOK, r.ask(zktest.OpCreate, str("/a/..."), i4(-1), anyone, i4(0)).code)
		_, err := c.Create("/acl", nil, 0, nil)
		require.ErrorIs(t, err, zk.ErrInvalidACL)

		_, stat, err := c.Get("/a/e")
		require.NoError(t, err)
		require.Equal(t, c.SessionID(), stat.EphemeralOwner)
	})
}

func TestSequenceCountsCreationsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		c.create(t, "/d", "", 0)
		c.create(t, "/d/plain", "", 0)
		require.NoError(t, c.Delete("/d/plain", -1))
		require.Equal(t, "/d/n0000000001", c.create(t, "/d/n", "", zk.FlagSequence))
		_, stat, err := c.Exists("/d")
		require.NoError(t, err)
		require.EqualValues(t, 3, stat.Cversion)
		require.EqualValues(t, 1, stat.NumChildren)
	})
}

func TestSequenceAtItsEnd(t *testing.T) {
	const last = 1<<31 - 1
	t.Run("wraps", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := zktest.New(t, zktest.Version(zktest.V35))
			c := connect(t, s.Dial, 10*time.Second)
			c.create(t, "/d", "", 0)
			require.NoError(t, s.SetSequence("/d", last))
			require.Equal(t, "/d/n2147483647", c.create(t, "/d/n", "", zk.FlagSequence))
			require.Equal(t, "/d/n-2147483648", c.create(t, "/d/n", "", zk.FlagSequence))
			require.Equal(t, "/d/n-2147483647", c.create(t, "/d/n", "", zk.FlagSequence))
			require.NoError(t, s.SetSequence("/d", -5))
			require.Equal(t, "/d/n-000000005", c.create(t, "/d/n", "", zk.FlagSequence))
			require.ErrorIs(t, s.SetSequence("/nope", 1), zktest.CodeNoNode)
		})
	})
	t.Run("saturates", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := zktest.New(t)
			c := connect(t, s.Dial, 10*time.Second)
			c.create(t, "/d", "", 0)
			require.NoError(t, s.SetSequence("/d", last))
			require.Equal(t, "/d/n2147483647", c.create(t, "/d/n", "", zk.FlagSequence))
			_, err := c.Create("/d/n", nil, zk.FlagSequence, open)
			require.ErrorIs(t, err, zk.ErrNodeExists)
			require.Equal(t, "/d/m2147483647", c.create(t, "/d/m", "", zk.FlagSequence))
		})
	})
}

func TestReadsAndWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		c.create(t, "/a", "x", 0)
		_, err := c.Set("/a", []byte("y"), 7)
		require.ErrorIs(t, err, zk.ErrBadVersion)
		stat, err := c.Set("/a", []byte("yy"), 0)
		require.NoError(t, err)
		require.EqualValues(t, 1, stat.Version)
		require.EqualValues(t, 2, stat.DataLength)
		require.Greater(t, stat.Mzxid, stat.Czxid)
		_, err = c.Set("/b", nil, -1)
		require.ErrorIs(t, err, zk.ErrNoNode)

		data, _, err := c.Get("/a")
		require.NoError(t, err)
		require.Equal(t, "yy", string(data))

		c.create(t, "/a/2", "", 0)
		c.create(t, "/a/1", "", 0)
		names, stat, err := c.Children("/a")
		require.NoError(t, err)
		require.Equal(t, []string{"1", "2"}, names)
		require.EqualValues(t, 2, stat.Cversion)

		require.ErrorIs(t, c.Delete("/a", -1), zk.ErrNotEmpty)
		require.ErrorIs(t, c.Delete("/a/1", 5), zk.ErrBadVersion)
		require.NoError(t, c.Delete("/a/1", 0))
		require.ErrorIs(t, c.Delete("/a/1", -1), zk.ErrNoNode)
		_, err = c.Sync("/a")
		require.NoError(t, err)
		require.ErrorIs(t, c.Delete("/zookeeper/quota", -1), zk.ErrBadArguments)

		names, _, err = c.Children("/")
		require.NoError(t, err)
		require.Equal(t, []string{"a", "zookeeper"}, names)
	})
}

func TestMulti(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		c.create(t, "/a", "", 0)
		before := s.Zxid()
		res, err := c.Multi(
			&zk.CreateRequest{Path: "/a/b", Acl: open},
			&zk.CreateRequest{Path: "/a/b/s", Acl: open, Flags: zk.FlagSequence},
			&zk.SetDataRequest{Path: "/a/b", Data: []byte("z"), Version: 0},
			&zk.CheckVersionRequest{Path: "/a/b", Version: 1},
		)
		require.NoError(t, err)
		require.Equal(t, "/a/b/s0000000000", res[1].String)
		require.EqualValues(t, 1, res[2].Stat.Version)
		require.Equal(t, before+1, s.Zxid(), "one multi takes one zxid")

		res, err = c.Multi(
			&zk.SetDataRequest{Path: "/a/b", Data: []byte("lost"), Version: -1},
			&zk.DeleteRequest{Path: "/a/b/s0000000000", Version: -1},
			&zk.CheckVersionRequest{Path: "/gone", Version: 0},
			&zk.CreateRequest{Path: "/late", Acl: open},
		)
		require.ErrorIs(t, err, zk.ErrNoNode)
		require.NoError(t, res[0].Error)
		require.ErrorIs(t, res[2].Error, zk.ErrNoNode)
		require.ErrorContains(t, res[3].Error, "-2")
		require.Equal(t, []string{"/a", "/a/b", "/a/b/s0000000000"}, s.Paths())
		n, _ := s.Node("/a/b")
		require.Equal(t, "z", string(n.Data))
		require.Equal(t, before+2, s.Zxid(), "a failed multi takes a zxid too")
	})
}

// TestMultiUndo undoes every kind of change that a multi can contain, ephemeral
// and container znodes included.
func TestMultiUndo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		c.create(t, "/a", "1", 0)
		c.create(t, "/a/e", "", zk.FlagEphemeral)
		before, _ := s.Node("/a")
		_, err := c.Multi(
			&zk.DeleteRequest{Path: "/a/e", Version: -1},
			&zk.CreateRequest{Path: "/a/e2", Acl: open, Flags: zk.FlagEphemeral},
			&zk.SetDataRequest{Path: "/a", Data: []byte("2"), Version: -1},
			&zk.CheckVersionRequest{Path: "/nope"},
		)
		require.Error(t, err)
		after, _ := s.Node("/a")
		require.Equal(t, before, after)
		require.Equal(t, []string{"/a/e"}, s.Sessions()[0].Ephemerals)
	})
}

func TestACL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		alice, eve := connect(t, s.Dial, 10*time.Second), connect(t, s.Dial, 10*time.Second)
		_, err := alice.Create("/x", nil, 0, zk.AuthACL(zk.PermAll))
		require.ErrorIs(t, err, zk.ErrInvalidACL, "the connection has no identity for auth")
		require.NoError(t, alice.AddAuth("digest", []byte("alice:secret")))
		acl := append(zk.AuthACL(zk.PermAll), zk.WorldACL(zk.PermRead)...)
		_, err = alice.Create("/x", []byte("d"), 0, acl)
		require.NoError(t, err)

		_, _, err = eve.Get("/x")
		require.NoError(t, err)
		_, err = eve.Set("/x", nil, -1)
		require.ErrorIs(t, err, zk.ErrNoAuth)
		_, err = eve.Create("/x/y", nil, 0, open)
		require.ErrorIs(t, err, zk.ErrNoAuth)
		_, err = eve.SetACL("/x", open, -1)
		require.ErrorIs(t, err, zk.ErrNoAuth)
		got, _, err := eve.GetACL("/x")
		require.NoError(t, err)
		require.Equal(t, "alice:x", got[0].ID, "digests are masked")
		got, _, err = alice.GetACL("/x")
		require.NoError(t, err)
		require.Equal(t, zk.DigestACL(zk.PermAll, "alice", "secret")[0].ID, got[0].ID)

		_, err = alice.SetACL("/x", zk.DigestACL(zk.PermAll, "alice", "secret"), 0)
		require.NoError(t, err)
		_, _, err = eve.Get("/x")
		require.ErrorIs(t, err, zk.ErrNoAuth)
		_, _, err = eve.Children("/x")
		require.ErrorIs(t, err, zk.ErrNoAuth)
		_, _, err = eve.GetACL("/x")
		require.ErrorIs(t, err, zk.ErrNoAuth)
		_, stat, err := eve.Exists("/x")
		require.NoError(t, err)
		require.EqualValues(t, 1, stat.Aversion)

		for _, bad := range []zk.ACL{
			{Perms: 31, Scheme: "world", ID: "x"}, {Perms: 31, Scheme: "ip", ID: "300.1.1.1"},
			{Perms: 31, Scheme: "ip", ID: "10.0.0.0/99"}, {Perms: 31, Scheme: "digest", ID: "x"}, {Perms: 31, Scheme: "bogus", ID: "x"},
		} {
			_, err = alice.Create("/bad", nil, 0, []zk.ACL{bad})
			require.ErrorIs(t, err, zk.ErrInvalidACL, "%v", bad)
		}
		_, err = alice.Create("/ip", nil, 0, []zk.ACL{{Perms: 31, Scheme: "ip", ID: "127.0.0.0/8"}})
		require.NoError(t, err)
		_, _, err = eve.Get("/ip")
		require.NoError(t, err)
	})
}

func TestProtocol(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		r := rawSession(t, s)

		got := r.ask(zktest.OpCreate2, str("/c2"), i4(-1), anyone, i4(0))
		require.Equal(t, zktest.CodeOK, got.code)
		require.Len(t, got.body, 4+3+68)
		got = r.ask(zktest.OpGetData, str("/c2"), flag(false))
		require.Equal(t, i4(-1), got.body[:4], "no data is not empty data")
		require.Equal(t, zktest.CodeOK, r.ask(zktest.OpCreate, str("/e"), str(""), anyone, i4(1)).code)

		got = r.ask(zktest.OpGetEphemerals, str("/"))
		require.Equal(t, join(i4(1), str("/e")), got.body)
		got = r.ask(zktest.OpGetAllChildrenCount, str("/"))
		require.Equal(t, i4(5), got.body)
		got = r.ask(zktest.OpGetChildren, str("/zookeeper"), flag(false))
		require.Equal(t, join(i4(2), str("config"), str("quota")), got.body)
		got = r.ask(zktest.OpWhoAmI)
		require.Equal(t, join(i4(1), str("ip"), str("127.0.0.1")), got.body)

		end := join(i4(-1), flag(true), i4(-1))
		part := func(op zktest.Op, body ...[]byte) []byte {
			return join(i4(int32(op)), flag(false), i4(-1), join(body...))
		}
		got = r.ask(zktest.OpMultiRead, part(zktest.OpGetChildren, str("/c2"), flag(false)), part(zktest.OpGetData, str("/no"), flag(false)), end)
		require.Equal(t, join(part(zktest.OpGetChildren)[:5], i4(0), i4(0), i4(-1), flag(false), i4(-101), i4(-101), end), got.body)

		require.Equal(t, zktest.CodeReconfigDisabled, r.ask(zktest.OpReconfig, i4(-1), i4(-1), str("x"), i8(-1)).code)
		require.Equal(t, zktest.CodeUnimplemented, r.ask(zktest.OpCreateTTL, str("/t"), i4(-1), anyone, i4(5), i8(1000)).code)
		before := s.Zxid()
		require.Equal(t, zktest.CodeMarshallingError, r.ask(zktest.OpCreate, str("/t")).code)
		require.Equal(t, before+1, s.Zxid(), "a broken transaction takes a zxid too")
		require.Equal(t, zktest.CodeMarshallingError, r.ask(zktest.OpGetData, i4(-1), flag(false)).code)

		require.EqualValues(t, -2, r.ask(zktest.OpPing).xid, "a ping is answered with its own xid")
		got = r.ask(77)
		require.Equal(t, zktest.CodeUnimplemented, got.code)
		r.requireClosed()

		r = rawSession(t, s)
		require.Equal(t, zktest.CodeAuthFailed, r.ask(zktest.OpAuth, i4(0), str("bogus"), str("x")).code)
		r.requireClosed()
	})
}

func TestFrameLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t, zktest.MaxFrame(1000))
		r := rawSession(t, s)
		r.write([]byte(strings.Repeat("x", 1001)))
		r.requireClosed()
		r = rawSession(t, s)
		r.write(i4(1)) // shorter than a header
		r.requireClosed()
		require.Len(t, s.Sessions(), 2, "sessions outlive their connections")

		c := connect(t, zktest.New(t).Dial, 10*time.Second)
		_, err := c.Create("/big", make([]byte, 1<<20), 0, open)
		require.ErrorIs(t, err, zk.ErrConnectionClosed)
		time.Sleep(2 * time.Second)
		c.create(t, "/fits", strings.Repeat("x", 1<<20-200), 0)
	})
}

func TestContainers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		_, err := c.CreateContainer("/used", nil, zk.FlagContainer, open)
		require.NoError(t, err)
		_, err = c.CreateContainer("/fresh", nil, zk.FlagContainer, open)
		require.NoError(t, err)
		n, _ := s.Node("/used")
		require.True(t, n.Container)
		require.Zero(t, n.Stat.EphemeralOwner)
		c.create(t, "/used/x", "", 0)
		time.Sleep(2 * time.Minute)
		require.Equal(t, []string{"/fresh", "/used", "/used/x"}, s.Paths())
		require.NoError(t, c.Delete("/used/x", -1))
		time.Sleep(time.Minute + time.Second)
		require.Equal(t, []string{"/fresh"}, s.Paths(), "a container that never had a child stays")
	})
}

func TestWithoutContainers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t, zktest.NoContainers())
		r := rawSession(t, s)
		require.Equal(t, zktest.CodeUnimplemented, r.ask(zktest.OpCreateContainer, str("/c"), i4(-1), anyone, i4(4)).code)
		r.requireClosed()
	})
}

func TestTTLNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t, zktest.TTLNodes(), zktest.ContainerInterval(10*time.Second))
		c := connect(t, s.Dial, 10*time.Second)
		_, err := c.CreateTTL("/t", nil, zk.FlagTTL, open, 25*time.Second)
		require.NoError(t, err)
		time.Sleep(20 * time.Second)
		_, err = c.Set("/t", nil, -1)
		require.NoError(t, err)
		time.Sleep(21 * time.Second)
		require.Equal(t, []string{"/t"}, s.Paths(), "a write renews it")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Empty(t, s.Paths())
	})
}

func TestZxids(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		r := rawSession(t, s)
		require.EqualValues(t, 1, s.Zxid(), "opening a session is a transaction")
		require.EqualValues(t, 2, r.ask(zktest.OpDelete, str("/nope"), i4(-1)).zxid, "so is a failed write")
		require.EqualValues(t, 2, r.ask(zktest.OpExists, str("/nope"), flag(false)).zxid)
		require.EqualValues(t, 0, r.ask(zktest.OpAuth, i4(0), str("digest"), str("u:p")).zxid)
		require.EqualValues(t, 3, r.ask(zktest.OpCloseSession).zxid)
		r.requireClosed()
	})
}

func TestRootStat(t *testing.T) {
	s := zktest.New(t)
	n, ok := s.Node("/")
	require.True(t, ok)
	require.EqualValues(t, -1, n.Stat.Cversion, "as in ZooKeeper, whose /zookeeper was never created")
	require.Zero(t, n.Stat.Czxid)
}

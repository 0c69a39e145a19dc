package zktest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// on applies act to the requests of one kind, and passes all others.
func on(op zktest.Op, act zktest.Action) func(zktest.Request) zktest.Action {
	return func(r zktest.Request) zktest.Action {
		if r.Op == op {
			return act
		}
		return zktest.Pass
	}
}

func TestInterceptSeesRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		var seen []zktest.Request
		remove := s.Intercept(func(r zktest.Request) zktest.Action {
			seen = append(seen, r)
			return zktest.Pass
		})
		c.create(t, "/a", "x", zk.FlagEphemeral)
		_, _, _, err := c.GetW("/a")
		require.NoError(t, err)
		_, err = c.Multi(&zk.SetDataRequest{Path: "/a", Data: []byte("y"), Version: 0}, &zk.DeleteRequest{Path: "/a", Version: 1})
		require.NoError(t, err)
		_, err = c.Sync("/s")
		require.NoError(t, err)
		remove()
		c.create(t, "/b", "", 0)
		require.Len(t, seen, 4)
		for i := range seen {
			require.Equal(t, c.SessionID(), seen[i].Session)
		}
		require.Equal(t, zktest.OpCreate, seen[0].Op)
		require.Equal(t, "x", string(seen[0].Data))
		require.EqualValues(t, 1, seen[0].Flags)
		require.True(t, seen[1].Watch)
		require.Equal(t, "/a", seen[1].Path)
		require.Equal(t, zktest.OpDelete, seen[2].Ops[1].Op)
		require.EqualValues(t, 1, seen[2].Ops[1].Version)
		require.Equal(t, "/s", seen[3].Path)
	})
}

func TestDropRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		remove := s.Intercept(on(zktest.OpCreate, zktest.DropRequest))
		_, err := c.Create("/a", nil, 0, open)
		require.ErrorIs(t, err, zk.ErrConnectionClosed)
		remove()
		time.Sleep(2 * time.Second)
		require.Empty(t, s.Paths())
		require.Equal(t, zk.StateHasSession, c.State())
		require.Equal(t, 1, s.Count(zktest.OpCreate))
	})
}

func TestLoseReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		remove := s.Intercept(on(zktest.OpCreate, zktest.LoseReply))
		_, err := c.Create("/a", nil, 0, open)
		require.ErrorIs(t, err, zk.ErrConnectionClosed)
		remove()
		require.Equal(t, []string{"/a"}, s.Paths())
		time.Sleep(2 * time.Second) // the client fails requests while it has no server to connect to
		_, err = c.Create("/a", nil, 0, open)
		require.ErrorIs(t, err, zk.ErrNodeExists)
	})
}

func TestSilentActionsKeepTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		r := rawSession(t, s)
		remove := s.Intercept(on(zktest.OpCreate, zktest.LoseReply.Silent()))
		r.write(i4(50), i4(int32(zktest.OpCreate)), str("/a"), i4(-1), anyone, i4(0))
		require.Equal(t, zktest.CodeOK, r.ask(zktest.OpExists, str("/a"), flag(false)).code)
		remove()
		s.Intercept(on(zktest.OpCreate, zktest.DropRequest.Silent()))
		r.write(i4(51), i4(int32(zktest.OpCreate)), str("/b"), i4(-1), anyone, i4(0))
		require.Equal(t, zktest.CodeNoNode, r.ask(zktest.OpExists, str("/b"), flag(false)).code)
	})
}

func TestDelayAndFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c, other := connect(t, s.Dial, 10*time.Second), connect(t, s.Dial, 10*time.Second)
		remove := s.Intercept(func(r zktest.Request) zktest.Action {
			if r.Path == "/slow" {
				return zktest.Delay(3 * time.Second)
			}
			return zktest.Pass
		})
		start := time.Now()
		go func() {
			_, err := other.Create("/quick", nil, 0, open)
			require.NoError(t, err)
			require.Zero(t, time.Since(start), "other connections do not wait")
		}()
		c.create(t, "/slow", "", 0)
		require.Equal(t, 3*time.Second, time.Since(start))
		remove()

		before := s.Zxid()
		s.Intercept(on(zktest.OpSetData, zktest.Fail(zktest.CodeNoAuth)))
		s.Intercept(on(zktest.OpSetData, zktest.DropRequest))
		_, err := c.Set("/slow", nil, -1)
		require.ErrorIs(t, err, zk.ErrNoAuth, "the first interceptor decides")
		require.Equal(t, before, s.Zxid())
	})
}

// TestHoldOutlivesTheConnection is the stale write. The request is in the
// server when the connection breaks, and runs after the client has reconnected
// and read.
func TestHoldOutlivesTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		hold := make(chan struct{})
		remove := s.Intercept(on(zktest.OpCreate, zktest.Hold(hold)))
		result := make(chan error, 1)
		go func() {
			_, err := c.Create("/late", nil, 0, open)
			result <- err
		}()
		synctest.Wait()
		s.Disconnect(c.SessionID())
		require.ErrorIs(t, <-result, zk.ErrConnectionClosed)
		time.Sleep(2 * time.Second)
		require.Equal(t, 1, s.Count(zktest.OpCreate))
		found, _, err := c.Exists("/late")
		require.NoError(t, err)
		require.False(t, found)
		remove()
		close(hold)
		synctest.Wait()
		require.Equal(t, []string{"/late"}, s.Paths())
	})
}

// TestHoldEndsWithASync pins how a client settles a lost write: once the client
// has synced on another connection, the write has been done or never runs.
func TestHoldEndsWithASync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		hold := make(chan struct{})
		remove := s.Intercept(on(zktest.OpCreate, zktest.Hold(hold)))
		result := make(chan error, 1)
		go func() {
			_, err := c.Create("/late", nil, 0, open)
			result <- err
		}()
		synctest.Wait()
		s.Disconnect(c.SessionID())
		require.ErrorIs(t, <-result, zk.ErrConnectionClosed)
		time.Sleep(2 * time.Second)
		_, err := c.Sync("/")
		require.NoError(t, err)
		remove()
		close(hold)
		synctest.Wait()
		require.Empty(t, s.Paths())
		c.create(t, "/next", "", 0)
		require.Equal(t, []string{"/next"}, s.Paths())
	})
}

func TestHoldUntilTheSessionIsOver(t *testing.T) {
	for name, end := range map[string]func(*zktest.Server, int64){
		"by the test": (*zktest.Server).Expire,
		"in its time": func(*zktest.Server, int64) { time.Sleep(11 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := zktest.New(t)
				r := rawSession(t, s)
				hold := make(chan struct{})
				s.Intercept(on(zktest.OpCreate, zktest.Hold(hold)))
				r.write(i4(1), i4(int32(zktest.OpCreate)), str("/never"), i4(-1), anyone, i4(1))
				synctest.Wait()
				end(s, r.id)
				require.Empty(t, s.Sessions())
				before := s.Zxid()
				close(hold)
				synctest.Wait()
				require.Empty(t, s.Paths())
				require.Equal(t, before+1, s.Zxid(), "the request fails, and takes a zxid")
			})
		})
	}
}

// TestPingsAreHeardBehindAHeldRequest pins what keeps a session alive: the
// arrival of a frame, not its execution.
func TestPingsAreHeardBehindAHeldRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		r := rawSession(t, s)
		s.Intercept(on(zktest.OpSync, zktest.Delay(time.Hour)))
		r.write(i4(1), i4(int32(zktest.OpSync)), str("/"))
		for range 20 {
			time.Sleep(5 * time.Second)
			r.write(i4(-2), i4(int32(zktest.OpPing)))
		}
		require.Len(t, s.Sessions(), 1)
		time.Sleep(11 * time.Second)
		require.Empty(t, s.Sessions())
	})
}

func TestInterceptorMayChangeTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		s.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpDelete {
				require.NoError(t, s.Put("/seen", []byte(r.Path)))
				s.Expire(r.Session)
			}
			return zktest.Pass
		})
		err := c.Delete("/x", -1)
		require.Error(t, err)
		n, ok := s.Node("/seen")
		require.True(t, ok)
		require.Equal(t, "/x", string(n.Data))
	})
}

// An interceptor decides about the parts of a multiRead too.
func TestInterceptPartsOfAMultiRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		require.NoError(t, s.Put("/a", []byte("x")))
		r := rawSession(t, s)
		end := join(i4(-1), flag(true), i4(-1))
		part := func(op zktest.Op, path string) []byte {
			return join(i4(int32(op)), flag(false), i4(-1), str(path), flag(false))
		}
		refused := join(i4(-1), flag(false), i4(int32(zktest.CodeNoAuth)), i4(int32(zktest.CodeNoAuth)))
		listed := join(i4(int32(zktest.OpGetChildren)), flag(false), i4(0), i4(0))
		read := func() reply {
			return r.ask(zktest.OpMultiRead, part(zktest.OpGetData, "/a"), part(zktest.OpGetChildren, "/a"), end)
		}
		remove := s.Intercept(on(zktest.OpGetData, zktest.Fail(zktest.CodeNoAuth)))
		require.Equal(t, join(refused, listed, end), read().body)
		remove()
		require.NotContains(t, string(read().body), string(refused))
		require.Equal(t, 2, s.Count(zktest.OpMultiRead))
		require.Zero(t, s.Count(zktest.OpGetData))
		s.Intercept(on(zktest.OpGetChildren, zktest.Delay(time.Second)))
		start := time.Now()
		read()
		require.Equal(t, time.Second, time.Since(start), "any other action is for the whole")
	})
}

package core_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// The watches are set again in requests that the server accepts, whether its
// limit is configured or not, and however many watches there are.
func TestFault10_WatchesAreSetAgainWithinTheLimit(t *testing.T) {
	for name, c := range map[string]struct {
		server, configured int
		handshakes         int // at most
	}{
		"the server's limit is lower than the default": {65535, 0, 2},
		"configured":                             {2048, 2048, 2},
		"far lower, and not configured":          {2048, 0, 12},
		"lower than two watches, not configured": {300, 0, 12},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				ctx := w.Context()
				p := w.process(func(cfg *core.Config) { cfg.MaxRequest = c.configured })
				h := p.enter("/locks")
				s := p.session()
				var watches []*core.Watch
				for i := range 800 {
					path := fmt.Sprintf("/%04d%s", i, strings.Repeat("x", 145))
					require.NoError(w, w.Srv.Put(path, nil))
					_, _, watch, err := s.GetW(ctx, path)
					require.NoError(w, err)
					watches = append(watches, watch)
				}
				before := w.Srv.Count(zktest.OpConnect)
				p.link.Disconnect()
				time.Sleep(time.Minute)
				require.NoError(w, h.Err())
				require.LessOrEqual(w, w.Srv.Count(zktest.OpConnect)-before, c.handshakes-1)
				for i, watch := range watches {
					require.NoError(w, w.Srv.Put(fmt.Sprintf("/%04d%s", i, strings.Repeat("x", 145)), []byte("new")))
					synctest.Wait()
					require.Equal(w, core.NodeDataChanged, watch.Event(), "watch %d", i)
				}
				require.NoError(w, h.Release())
			}, zktest.MaxFrame(c.server))
		})
	}
}

// A watch is refused if its path is too long to be set again after a lost
// connection, for every length of the path.
func TestFault10_LongestWatch(t *testing.T) {
	const limit = 1024
	inWorld(t, func(w *world) {
		ctx := w.Context()
		p := w.process(func(cfg *core.Config) { cfg.MaxRequest = limit })
		s := p.session()
		var last *core.Watch
		path := ""
		n := limit - 100
		for ; ; n++ {
			longer := "/" + strings.Repeat("x", n-1)
			_, _, watch, err := s.ExistsW(ctx, longer)
			if err != nil {
				require.ErrorIs(w, err, core.ErrTooLarge)
				break
			}
			path, last = longer, watch
		}
		require.Greater(w, n, limit-40)
		p.link.Disconnect()
		time.Sleep(time.Minute)
		require.Equal(w, 2, w.Srv.Count(zktest.OpConnect))
		require.NoError(w, s.Err())
		require.Zero(w, last.Event())
		require.NoError(w, w.Srv.Put(path, nil))
		<-last.Done()
	}, zktest.MaxFrame(limit))
}

// Credentials are sent to the server unchanged. Credentials that the server
// would refuse are refused with the configuration.
func TestFault10_LongCredential(t *testing.T) {
	const limit = 1024
	inWorld(t, func(w *world) {
		cfg := core.Config{Servers: []string{"zk1"}, Dialer: w.Srv.DialContext, MaxRequest: limit,
			Auth: []core.Credential{core.Digest("ann", strings.Repeat("x", limit))}}
		_, err := core.Start(cfg)
		require.ErrorContains(w, err, "session config: Auth: credential 0")
		require.NotContains(w, err.Error(), "xxx")
		const overhead = 8 + 4 + 4 + len("digest") + 4 + len("ann:")
		cfg.Auth[0] = core.Digest("ann", strings.Repeat("x", limit-overhead+1))
		_, err = core.Start(cfg)
		require.Error(w, err)
		cfg.Auth[0] = core.Digest("ann", strings.Repeat("x", limit-overhead))
		sm, err := core.Dial(w.Within(time.Minute), cfg)
		require.NoError(w, err)
		require.NoError(w, sm.Close())
	}, zktest.MaxFrame(limit))
}

// A request that the server does not accept, sent again and again, is reported
// once, with what to do.
func TestFault10_LoopWithoutProgressIsLogged(t *testing.T) {
	inWorld(t, func(w *world) {
		var log logbook
		p := w.process(log.use)
		synctest.Wait()
		log.take()
		ctx := w.Within(time.Hour)
		_, err := p.session().Enter(ctx, "/locks", "lock-", make([]byte, 3000))
		require.Error(w, err)
		told := log.grep("msg=\"connections end")
		require.Len(w, told, 1, "%v", told)
		require.Contains(w, told[0], "level=WARN")
		require.Contains(w, told[0], "largest_request=3")
		require.Contains(w, told[0], "MaxRequest")
		require.Contains(w, told[0], "zk1:2181")

		// The next series is reported too.
		require.NoError(w, p.EnsureDir(w.Context(), "/well"))
		time.Sleep(time.Hour)
		p.link.Disconnect()
		time.Sleep(time.Minute)
		log.take()
		_, err = p.session().Enter(w.Within(10*time.Minute), "/locks", "lock-", make([]byte, 3000))
		require.Error(w, err)
		require.Len(w, log.grep("msg=\"connections end"), 1)
	}, zktest.MaxFrame(2048))
}

// A server that ends connections after the handshake is reported too.
func TestFault10_ConnectionsWithoutAnAnswerAreLogged(t *testing.T) {
	inWorld(t, func(w *world) {
		var log logbook
		e := w.ensemble()
		p := w.process(e.use, log.use)
		e.replace(func(_ string, conn net.Conn) (net.Conn, error) { return &limitedConn{conn, 4 + 37}, nil })
		for _, link := range e.links {
			link.Disconnect()
		}
		time.Sleep(time.Hour)
		told := log.grep("msg=\"connections end")
		require.Len(w, told, 1)
		require.Contains(w, told[0], "proxy")
		require.NoError(w, p.Close())
	})
}

// Connections that are lost now and then are not reported.
func TestFault10_LostConnectionsAreNoLoop(t *testing.T) {
	inWorld(t, func(w *world) {
		var log logbook
		p := w.process(log.use)
		for range 100 {
			_, _, _, err := p.session().ExistsW(w.Context(), "/"+strings.Repeat("x", 5000))
			require.NoError(w, err)
			p.link.Disconnect()
			time.Sleep(time.Second)
			_, err = p.Set(w.Context(), "/none", make([]byte, 100_000), core.AnyVersion)
			require.ErrorIs(w, err, zk.ErrNoNode)
		}
		require.Empty(w, log.grep("msg=\"connections end"))
	})
}

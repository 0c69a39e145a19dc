package ensemble_test

import (
	"bufio"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// held is the wait after which a test concludes that no data comes.
const held = 150 * time.Millisecond

// echo listens and sends every line back. Received lines also go to the
// channel.
func echo(t *testing.T) (addr string, seen <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	lines := make(chan string, 100)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			for in := bufio.NewScanner(conn); in.Scan(); {
				lines <- in.Text()
				if _, err := io.WriteString(conn, in.Text()+"\n"); err != nil {
					break
				}
			}
			_ = conn.Close() // the peer sees the end of the stream either way
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		<-over
	})
	return l.Addr().String(), lines
}

// caller is a client of the echo.
type caller struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func call(t *testing.T, addr string) *caller {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // some tests have closed it before
	return &caller{t: t, conn: conn, in: bufio.NewReader(conn)}
}

func (c *caller) say(line string) {
	c.t.Helper()
	_, err := io.WriteString(c.conn, line+"\n")
	require.NoError(c.t, err)
}

func (c *caller) hear(within time.Duration) (string, error) {
	c.t.Helper()
	require.NoError(c.t, c.conn.SetReadDeadline(time.Now().Add(within)))
	line, err := c.in.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

func (c *caller) hears(line string) {
	c.t.Helper()
	got, err := c.hear(soon)
	require.NoError(c.t, err)
	require.Equal(c.t, line, got)
}

func (c *caller) hearsNothing() {
	c.t.Helper()
	got, err := c.hear(held)
	var timeout net.Error
	require.ErrorAs(c.t, err, &timeout, "heard %q", got)
	require.True(c.t, timeout.Timeout())
}

func requireNone(t *testing.T, seen <-chan string) {
	t.Helper()
	select {
	case line := <-seen:
		t.Fatalf("the server saw %q", line)
	case <-time.After(held):
	}
}

func TestProxyCutsTheWayToTheServer(t *testing.T) {
	addr, seen := echo(t)
	proxy := ensemble.NewProxy(t, addr)
	c := call(t, proxy.Addr())
	c.say("one")
	c.hears("one")
	require.Equal(t, "one", <-seen)

	proxy.Cut(ensemble.ToServer)
	c.say("two")
	requireNone(t, seen)

	proxy.Heal()
	c.hears("two")
}

func TestProxyCutsTheWayToTheClient(t *testing.T) {
	addr, seen := echo(t)
	proxy := ensemble.NewProxy(t, addr)
	c := call(t, proxy.Addr())
	c.say("one")
	c.hears("one")
	require.Equal(t, "one", <-seen)

	proxy.Cut(ensemble.ToClient)
	c.say("two")
	require.Equal(t, "two", <-seen, "the server still hears the client")
	c.hearsNothing()

	proxy.Heal()
	c.hears("two")
}

func TestProxyLetsNewConnectionsHangDuringACut(t *testing.T) {
	addr, seen := echo(t)
	for _, way := range []ensemble.Direction{ensemble.ToServer, ensemble.ToClient, ensemble.Both} {
		proxy := ensemble.NewProxy(t, addr)
		proxy.Cut(way)
		c := call(t, proxy.Addr())
		c.say("hello")
		c.hearsNothing()
		requireNone(t, seen)

		proxy.Heal()
		c.hears("hello")
		require.Equal(t, "hello", <-seen)
		require.NoError(t, c.conn.Close())
	}
}

func TestProxyHoldsTheEndOfAConnectionToo(t *testing.T) {
	addr, _ := echo(t)
	proxy := ensemble.NewProxy(t, addr)
	first := call(t, proxy.Addr())
	first.say("one")
	first.hears("one")
	proxy.Cut(ensemble.ToServer)
	require.NoError(t, first.conn.Close())

	// The echo serves one connection at a time: it accepts the second only
	// after the first has ended.
	second := call(t, addr)
	second.say("two")
	second.hearsNothing()
	proxy.Heal()
	second.hears("two")
	ensemble.Eventually(t, soon, "the proxy forgets the connection", func() bool { return proxy.Connections() == 0 })
}

// TestProxyHoldsAResetToo: a reset, which the system sends for a killed
// process, does not cross a cut either.
func TestProxyHoldsAResetToo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	for _, way := range []ensemble.Direction{ensemble.ToClient, ensemble.Both} {
		proxy := ensemble.NewProxy(t, l.Addr().String())
		c := call(t, proxy.Addr())
		server, err := l.Accept()
		require.NoError(t, err)
		c.say("one")
		line, err := bufio.NewReader(server).ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "one\n", line)

		proxy.Cut(way)
		require.NoError(t, server.(*net.TCPConn).SetLinger(0))
		require.NoError(t, server.Close())
		c.hearsNothing()
		c.say("two") // the server's system would answer with another reset
		c.hearsNothing()
		require.Equal(t, 1, proxy.Connections())

		proxy.Heal()
		_, err = c.hear(soon)
		require.Error(t, err)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
	}
}

func TestProxyRefusesDelaysAndDisconnects(t *testing.T) {
	addr, _ := echo(t)
	proxy := ensemble.NewProxy(t, addr)
	c := call(t, proxy.Addr())
	c.say("one")
	c.hears("one")

	proxy.Refuse(true)
	_, err := net.Dial("tcp", proxy.Addr())
	require.ErrorContains(t, err, "refused")
	c.say("two")
	c.hears("two")

	const late = 100 * time.Millisecond
	proxy.Delay(late)
	began := time.Now()
	c.say("three")
	c.hears("three")
	require.GreaterOrEqual(t, time.Since(began), 2*late, "once on the way there and once on the way back")
	proxy.Delay(0)

	proxy.Cut(ensemble.Both)
	proxy.Disconnect()
	_, err = c.hear(soon)
	require.Error(t, err)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
	ensemble.Eventually(t, soon, "no connection", func() bool { return proxy.Connections() == 0 })

	proxy.Heal()
	proxy.Refuse(false)
	again := call(t, proxy.Addr())
	again.say("four")
	again.hears("four")
}

func TestProxyInFrontOfNothingDropsItsClients(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	conn, err := net.Dial("tcp", ensemble.NewProxy(t, addr).Addr())
	if err != nil {
		return // dropped even before the dial was over
	}
	t.Cleanup(func() { _ = conn.Close() }) // the proxy has reset it
	_, err = (&caller{t: t, conn: conn, in: bufio.NewReader(conn)}).hear(soon)
	require.Error(t, err)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
}

// TestOneWayPartitionOfASession is a case that a proxy which only closes
// connections cannot make. The client's requests are held, while the server's
// events still arrive.
func TestOneWayPartitionOfASession(t *testing.T) {
	e := ensemble.Start(t, 1)
	mine := e.Proxied(t)
	conn := connect(t, mine.Addrs()...)
	other := connect(t, e.Addrs()...)
	create(t, conn, "/seen")
	_, err := conn.Create("/mine", nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll))
	require.NoError(t, err)
	_, _, events, err := conn.GetW("/seen")
	require.NoError(t, err)

	mine.CutAll(ensemble.ToServer)
	_, err = other.Set("/seen", []byte("new"), -1)
	require.NoError(t, err)
	select {
	case ev := <-events:
		require.Equal(t, zk.EventNodeDataChanged, ev.Type)
	case <-time.After(soon):
		t.Fatal("the event did not come through")
	}
	ensemble.Eventually(t, soon, "the cut-off session's ephemeral node is gone", func() bool {
		there, _, err := other.Exists("/mine")
		return err == nil && !there
	})
	mine.HealAll()
	writable(t, conn, "/seen")
}

package zktest_test

import (
	"fmt"
	"io"
	"log"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/zktest"
)

// The plain client loses the answer to a create. The znode exists, but the
// caller gets the error that the connection closed.
func Example() {
	s, err := zktest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		if err := s.Close(); err != nil {
			fmt.Println(err)
		}
	}()
	c, _, err := zk.Connect([]string{s.Addr()}, 10*time.Second, zk.WithDialer(s.Dial),
		zk.WithHostProvider(new(zktest.Hosts)), zk.WithLogger(log.New(io.Discard, "", 0)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	s.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpCreate {
			return zktest.LoseReply
		}
		return zktest.Pass
	})
	_, err = c.Create("/job", []byte("1"), 0, zk.WorldACL(zk.PermAll))
	fmt.Println(err)
	fmt.Println(s.Paths())
	// Output:
	// zk: connection closed
	// [/job]
}

// In a synctest bubble, the expiry of a cut-off session takes no real time and
// happens exactly at its timeout.
func ExampleNew_bubble() {
	testExpiry := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := zktest.New(t)
			link := s.Link() // the network path of one process
			c, _, err := zk.Connect([]string{s.Addr()}, 10*time.Second, zk.WithDialer(link.Dial),
				zk.WithHostProvider(new(zktest.Hosts)), zk.WithLogger(log.New(io.Discard, "", 0)))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Create("/lock", nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll)); err != nil {
				t.Fatal(err)
			}

			link.Cut(zktest.ToServer)
			time.Sleep(10*time.Second - time.Nanosecond)
			if len(s.Paths()) != 1 {
				t.Error("expired too early")
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if len(s.Paths()) != 0 {
				t.Error("expired too late")
			}
		})
	}
	_ = testExpiry // a test of the caller's own
}

// A server on a TCP port serves clients of any language.
func ExampleServer_Listen() {
	s, err := zktest.Start(zktest.Tick(500 * time.Millisecond))
	if err != nil {
		fmt.Println(err)
		return
	}
	addr, err := s.Listen("127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(addr == s.Addr())
	fmt.Println(s.Close())
	// Output:
	// true
	// <nil>
}

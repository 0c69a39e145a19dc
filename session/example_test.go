package session_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A manager, operations, and a transaction that a hold guards. The embedded
// server stands in for an ensemble.
func Example() {
	ctx := context.Background()
	srv, err := zktest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1:2181"}, Root: "/prod/app", Dialer: srv.DialContext})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sm.Close()

	if err := sm.EnsureDir(ctx, "/state"); err != nil {
		fmt.Println(err)
		return
	}
	path, err := sm.Create(ctx, "/state/row", []byte("v0"), session.Persistent)
	fmt.Println(path, err)
	stat, err := sm.Set(ctx, "/state/row", []byte("v1"), 0)
	fmt.Println(stat.Version, err)
	_, err = sm.Set(ctx, "/state/row", []byte("v2"), 0)
	fmt.Println(err != nil)
	// Output:
	// /state/row <nil>
	// 1 <nil>
	// true
}

func ExampleHold_Guard() {
	ctx := context.Background()
	srv, err := zktest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1:2181"}, Dialer: srv.DialContext})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sm.Close()
	if _, err := sm.Create(ctx, "/row", nil, session.Persistent); err != nil {
		fmt.Println(err)
		return
	}

	hold, err := lock.NewMutex(sm, "/locks/row").Lock(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}

	_, err = sm.Txn(ctx, hold.Guard(), session.SetOp("/row", []byte("in time"), session.AnyVersion))
	fmt.Println(err)
	fmt.Println(hold.Release())
	_, err = sm.Txn(ctx, hold.Guard(), session.SetOp("/row", []byte("too late"), session.AnyVersion))
	fmt.Println(errors.Is(err, session.ErrLost))
	// Output:
	// <nil>
	// <nil>
	// true
}

func ExampleManager_States() {
	ctx := context.Background()
	srv, err := zktest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1:2181"}, Dialer: srv.DialContext})
	if err != nil {
		fmt.Println(err)
		return
	}
	for change := range sm.States(ctx) {
		fmt.Println(change.State)
		if change.State == session.Connected {
			sm.Close()
		}
	}
	// Output:
	// connected
	// closed
}

func ExampleParseConnect() {
	servers, root, err := session.ParseConnect("zk1:2181,zk2/prod/app")
	fmt.Println(servers, root, err)
	// Output: [zk1:2181 zk2:2181] /prod/app <nil>
}

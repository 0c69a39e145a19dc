// Command service is an HTTP service. Its clients find it in ZooKeeper, and it
// can be stopped without losing a call.
//
//	service --listen 127.0.0.1:8081 serve &
//	service --listen 127.0.0.1:8082 serve &
//	service call
//
// A server registers once it can serve. At SIGTERM it first marks itself as
// draining and waits until its clients have seen that. Then it finishes the
// calls under way, unregisters and ends. The instance of a killed server is
// removed when its session has expired. Until then, clients avoid the server
// after a failed call, and call another one. During an outage of ZooKeeper they
// continue with the instances that they know.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/docent-go/docent/session"
)

// serviceName is the name under which servers register and clients look.
const serviceName = "hello"

func main() {
	servers := flag.String("servers", "127.0.0.1:2181", "ZooKeeper servers as `host:port,host:port/root`")
	listen := flag.String("listen", "127.0.0.1:8081", "`address` to serve on, as clients can reach it")
	drain := flag.Duration("drain", 2*time.Second, "how long clients have to see that a server drains")
	every := flag.Duration("every", time.Second, "time between two calls")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := start(ctx, *servers, *listen, *drain, *every, flag.Args()); err != nil {
		slog.Error("service ends", "error", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, servers, listen string, drain, every time.Duration, args []string) error {
	hosts, root, err := session.ParseConnect(servers)
	if err != nil {
		return err
	}
	sm, err := session.Dial(ctx, session.Config{Servers: hosts, Root: root})
	if err != nil {
		return err
	}
	defer sm.Close()
	switch {
	case len(args) == 1 && args[0] == "serve":
		listener, err := net.Listen("tcp", listen)
		if err != nil {
			return err
		}
		return serve(ctx, sm, listener, drain, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, "hello from %s\n", listener.Addr())
		}))
	case len(args) == 1 && args[0] == "call":
		return callEvery(ctx, sm, &http.Client{Timeout: 5 * time.Second}, every, func(answer string, err error) {
			if err != nil {
				slog.Error("no server answers", "error", err)
				return
			}
			slog.Info("answered", "body", answer)
		})
	}
	return errors.New("usage: service [flags] serve | service [flags] call")
}

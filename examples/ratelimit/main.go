// Command ratelimit calls an HTTP service of limited capacity from any number
// of processes, which share one limit.
//
//	ratelimit --url http://127.0.0.1:8080/ --limit 5 --per 1s --calls 100 &
//	ratelimit --url http://127.0.0.1:8080/ --limit 5 --per 1s --calls 100 &
//
// Over all processes at most --limit calls are under way at once, and at most
// --limit calls begin within --per. There are --limit permits. Each call needs
// one, and keeps it until the call has ended and --per is over.
//
// The permits of a dead process stay taken until its session has expired, so
// its death does not raise the rate. If a call's permit is lost, the call's
// context is cancelled before another process gets the permit. The limit is
// stored in ZooKeeper: lock.Semaphore.Resize changes it for all processes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/docent-go/docent/session"
)

func main() {
	servers := flag.String("servers", "127.0.0.1:2181", "ZooKeeper servers as `host:port,host:port/root`")
	url := flag.String("url", "http://127.0.0.1:8080/", "the URL to get")
	limit := flag.Int("limit", 5, "the maximum number of calls at once, and in each --per; if ZooKeeper has a limit already, that one counts")
	per := flag.Duration("per", time.Second, "the minimum time for which a permit is kept: less than half of the session timeout")
	calls := flag.Int("calls", 100, "how many calls to make")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	client := &http.Client{Timeout: 10 * time.Second}
	err := start(ctx, *servers, *limit, *per, *calls, func(ctx context.Context) error { return get(ctx, client, *url) })
	if err != nil {
		slog.Error("ratelimit ends", "error", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, servers string, limit int, per time.Duration, calls int, call func(context.Context) error) error {
	hosts, root, err := session.ParseConnect(servers)
	if err != nil {
		return err
	}
	sm, err := session.Dial(ctx, session.Config{Servers: hosts, Root: root})
	if err != nil {
		return err
	}
	defer sm.Close()
	return run(ctx, sm, limit, per, calls, call)
}

// run makes the calls, as many at a time as the limit allows, until all are
// made or ctx ends. Failed calls are logged.
func run(ctx context.Context, sm *session.Manager, limit int, per time.Duration, calls int, call func(context.Context) error) error {
	s, err := sm.Session(ctx)
	if err != nil {
		return err
	}
	if per >= s.Timeout/2 {
		return fmt.Errorf("--per %v is not less than half of the session timeout of %v: a dead process would lose its permits too soon", per, s.Timeout)
	}
	l := newLimiter(sm, limit, per)
	defer l.wait()
	var work sync.WaitGroup
	defer work.Wait()
	todo := make(chan int)
	for range limit {
		work.Go(func() {
			for n := range todo {
				if err := l.do(ctx, call); err != nil && ctx.Err() == nil {
					slog.Error("the call failed", "n", n, "error", err)
				}
			}
		})
	}
	defer close(todo)
	for n := range calls {
		select {
		case todo <- n:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

func get(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	slog.InfoContext(ctx, "called", "status", resp.Status)
	return errors.Join(err, resp.Body.Close())
}

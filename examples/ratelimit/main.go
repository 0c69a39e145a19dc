// Command ratelimit calls an HTTP service that bears only so much, from any number
// of processes: together they keep to one limit.
//
//	ratelimit --url http://127.0.0.1:8080/ --limit 5 --per 1s --calls 100 &
//	ratelimit --url http://127.0.0.1:8080/ --limit 5 --per 1s --calls 100 &
//
// Over all processes no more than --limit calls are under way at once, and no more
// than that begin within --per. Each call needs one of as many permits, and keeps
// it until the call has ended and --per is over. A process that dies takes its
// permits along until its session has expired, so that it cannot raise the rate; a
// call whose permit is lost has its context cancelled before somebody else gets the
// permit. The limit lies in ZooKeeper: lock.Semaphore.Resize changes it for all.
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
	url := flag.String("url", "http://127.0.0.1:8080/", "what to get")
	limit := flag.Int("limit", 5, "how many calls there may be at once, and in each --per; where it has been set already, that counts")
	per := flag.Duration("per", time.Second, "how long a permit is kept at least: less than half of the session timeout")
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

// run makes the calls, as many at a time as the limit lets it, until they are made
// or ctx ends. Calls that fail are logged.
func run(ctx context.Context, sm *session.Manager, limit int, per time.Duration, calls int, call func(context.Context) error) error {
	s, err := sm.Session(ctx)
	if err != nil {
		return err
	}
	if per >= s.Timeout/2 {
		return fmt.Errorf("--per %v is not less than half of the session timeout of %v: a process that dies would let go too soon", per, s.Timeout)
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

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// contendersVerb makes this program a process with one session, in which many
// goroutines acquire one lock, each once. It writes a line of JSON when it has
// begun, and another when all have held and released the lock:
//
//	bench contenders SUBJECT NUMBER SERVERS PATH
const contendersVerb = "contenders"

func runContenders(ctx context.Context, args []string, stdout, _ io.Writer) (err error) {
	if len(args) != 5 {
		return fmt.Errorf("%s takes a subject, a number, servers and a path", contendersVerb)
	}
	n, err := strconv.Atoi(args[2])
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a number of contenders", args[2])
	}
	servers, path := strings.Split(args[3], ","), args[4]
	var acquire func() error // and release
	switch args[1] {
	case docent:
		sm, dialled := session.Dial(ctx, session.Config{Servers: servers, Timeout: manyTimeout, Logger: slog.New(slog.DiscardHandler)})
		if dialled != nil {
			return dialled
		}
		defer func() { err = errors.Join(err, sm.Close()) }()
		acquire = func() error {
			return lock.NewMutex(sm, path).Do(ctx, func(context.Context, *lock.Hold) error { return nil })
		}
	case goZK:
		conn, dialled := connect(servers, manyTimeout)
		if dialled != nil {
			return dialled
		}
		defer conn.Close()
		acquire = func() error {
			l := zk.NewLock(conn, path, open)
			if err := l.Lock(); err != nil {
				return err
			}
			return l.Unlock()
		}
	default:
		return fmt.Errorf("%q has no lock", args[1])
	}
	out := json.NewEncoder(stdout)
	if err := out.Encode(answer{}); err != nil {
		return err
	}
	errs := make([]error, n)
	var work sync.WaitGroup
	for i := range n {
		work.Go(func() { errs[i] = acquire() })
	}
	work.Wait()
	if err := errors.Join(errs...); err != nil {
		return out.Encode(answer{Err: err.Error()})
	}
	return out.Encode(answer{})
}

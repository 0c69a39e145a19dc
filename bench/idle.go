package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/session"
)

// idleVerb makes this program a process with idle sessions:
//
//	bench idle SUBJECT SESSIONS SERVERS
//
// A separate process holds nothing but the sessions. Once all sessions are open
// it prints their cost as one line of JSON. It closes them when its standard
// input ends.
const idleVerb = "idle"

// idleCost is the cost of idle sessions to their process.
type idleCost struct {
	Heap       float64 `json:"heap"` // bytes in use after a garbage collection
	Resident   float64 `json:"resident"`
	Goroutines float64 `json:"goroutines"`
}

// runIdle is the process with the idle sessions. args begin with the verb.
func runIdle(ctx context.Context, args []string, stdout, _ io.Writer) error {
	return idle(ctx, args, os.Stdin, stdout)
}

func idle(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) (err error) {
	if len(args) != 4 {
		return fmt.Errorf("%s takes a subject, a number and servers", idleVerb)
	}
	n, err := strconv.Atoi(args[2])
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a number of sessions", args[2])
	}
	if err := raiseFileLimit(uint64(n) + 100); err != nil {
		return err
	}
	servers := strings.Split(args[3], ",")
	opened := sessionsOf(servers)[args[1]]
	if opened == nil {
		return fmt.Errorf("%q has no sessions", args[1])
	}
	// One session is opened before: what a process has once for all of its
	// sessions does not count.
	end, err := opened(ctx, 1)
	defer func() { err = errors.Join(err, end()) }()
	if err != nil {
		return err
	}
	before, err := resting()
	if err != nil {
		return err
	}
	endAll, err := opened(ctx, n)
	defer func() { err = errors.Join(err, endAll()) }()
	if err != nil {
		return err
	}
	time.Sleep(time.Second) // the goroutines that have opened them end
	after, err := resting()
	if err != nil {
		return err
	}
	cost := idleCost{after.Heap - before.Heap, after.Resident - before.Resident, after.Goroutines - before.Goroutines}
	if err := json.NewEncoder(stdout).Encode(cost); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, stdin)
	return err
}

// resting returns the cost of the process. It gives unused memory back first,
// as the runtime does by itself in a few minutes.
func resting() (idleCost, error) {
	runtime.GC() // finds the values that the next one finalizes
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	resident, err := residentBytes(os.Getpid())
	return idleCost{float64(m.HeapAlloc), resident, float64(runtime.NumGoroutine())}, err
}

// opener opens idle sessions. end closes those that it has opened, even after
// an error.
type opener func(ctx context.Context, n int) (end func() error, err error)

func sessionsOf(servers []string) map[string]opener {
	return map[string]opener{
		docent: func(ctx context.Context, n int) (func() error, error) {
			return openAll(n, func() (func() error, error) {
				sm, err := session.Dial(ctx, session.Config{Servers: servers, Timeout: sessionTimeout})
				if err != nil {
					return nil, err
				}
				return sm.Close, nil
			})
		},
		goZK: func(_ context.Context, n int) (func() error, error) {
			return openAll(n, func() (func() error, error) {
				var conn *zk.Conn
				conn, err := connect(servers, sessionTimeout)
				if err != nil {
					return nil, err
				}
				return func() error { conn.Close(); return nil }, nil
			})
		},
	}
}

func openAll(n int, open func() (end func() error, err error)) (endAll func() error, err error) {
	var mu sync.Mutex
	var ends []func() error
	began := time.Now()
	err = inParallel(n, func(i int) error {
		// The sessions are spread over the time between two pings, as if their
		// programs had begun at any time: pings that come together cost a
		// server less.
		time.Sleep(time.Until(began.Add(time.Duration(i) * sessionTimeout / 3 / time.Duration(n))))
		end, err := open()
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		ends = append(ends, end)
		return nil
	})
	return func() error {
		return inParallel(len(ends), func(i int) error { return ends[i]() })
	}, err
}

// withIdle runs f while another process has that many idle sessions of the
// subject.
func withIdle(e env, subject string, n int, f func(idleCost) error) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := raiseFileLimit(uint64(n) + 100); err != nil { // the process inherits the limit
		return err
	}
	cmd := exec.CommandContext(e, self, idleVerb, subject, strconv.Itoa(n), e.site.String())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		_ = in.Close() // it may have ended by itself
		if ended := cmd.Wait(); err == nil {
			err = ended
		}
	}()
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("%d idle sessions of %s: %w", n, subject, err)
	}
	var cost idleCost
	if err := json.Unmarshal(line, &cost); err != nil {
		return err
	}
	return f(cost)
}

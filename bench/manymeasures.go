package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// manyMeasures measure the publication of one key to many sessions.
func manyMeasures() []measure {
	if runtime.GOOS != "linux" {
		return nil // raiseFileLimit works on Linux alone
	}
	absent := map[string]string{
		goZK:    "is the floor",
		curator: "does not have so many sessions open after three minutes on two cores",
		kazoo:   "its sessions are threads of one interpreter",
		etcd:    "is one server here",
	}
	many := func(n, ops int) measure {
		subjects := []subject{{floor, published(floor, n, ops)}, {docent, published(docent, n, ops)}}
		return measure{
			name: fmt.Sprintf("config/published-%d", n), title: fmt.Sprintf("A key published to %d sessions, three servers, until the last has it", n),
			clients: n, rounds: 2, cold: true, site: spread, subjects: subjects, absent: absent,
			budgets: []budget{against(floor, 1.1)},
		}
	}
	more := many(5000, 20)
	more.large = true
	return []measure{many(1500, 30), more}
}

// manyTimeout is the timeout of many sessions: opening them takes a while, and
// their pings are not measured.
const manyTimeout = 40 * time.Second

// manyVerb makes this program a process with many sessions that watch one key,
// and another session that publishes it. It prints the sample as JSON:
//
//	bench many SUBJECT SESSIONS SERVERS PATH OPS
const manyVerb = "many"

// published runs such a process.
func published(subject string, n, ops int) func(env) (sample, error) {
	return func(e env) (sample, error) {
		self, err := os.Executable()
		if err != nil {
			return sample{}, err
		}
		cmd := exec.CommandContext(e, self, manyVerb, subject, strconv.Itoa(n), e.site.String(), e.dir, strconv.Itoa(ops))
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return sample{}, fmt.Errorf("%d sessions of %s: %w", n, subject, err)
		}
		var each []time.Duration
		if err := json.Unmarshal(out, &each); err != nil {
			return sample{}, err
		}
		s := sample{each: each, ops: len(each)}
		for _, d := range each {
			s.elapsed += d
		}
		return s, nil
	}
}

// runMany is the process with many sessions. args begin with the verb.
func runMany(ctx context.Context, args []string, stdout, _ io.Writer) (err error) {
	if len(args) != 6 {
		return fmt.Errorf("%s takes a subject, a number, servers, a path and a number", manyVerb)
	}
	n, err := strconv.Atoi(args[2])
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a number of sessions", args[2])
	}
	ops, err := strconv.Atoi(args[5])
	if err != nil || ops < 1 {
		return fmt.Errorf("%q is not a number of publications", args[5])
	}
	follow := followers[args[1]]
	if follow == nil {
		return fmt.Errorf("%q has no watchers", args[1])
	}
	if err := raiseFileLimit(uint64(n) + 100); err != nil {
		return err
	}
	servers, path := strings.Split(args[3], ","), args[4]
	writer, err := connect(servers, manyTimeout)
	if err != nil {
		return err
	}
	defer writer.Close()
	if _, err := writer.Create(path, []byte("0"), 0, open); err != nil {
		return err
	}
	a := &audience{size: n}
	end, err := openAll(n, func() (func() error, error) { return follow(ctx, servers, path, a) })
	defer func() { err = errors.Join(err, end()) }()
	if err != nil {
		return err
	}
	s, err := eachUntil(ops, func(i int) (time.Time, error) { return a.publish(ctx, writer, path, strconv.Itoa(i+1)) })
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(s.each)
}

// audience learns from each session which value the session has.
type audience struct {
	size int
	mu   sync.Mutex
	want string
	left int
	all  chan time.Time
	errs []error
}

// has is called by a session that has read a value.
func (a *audience) has(value []byte) {
	at := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if string(value) != a.want {
		return
	}
	if a.left--; a.left == 0 {
		a.all <- at
	}
}

// failed is called by a session that stops reading.
func (a *audience) failed(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.errs = append(a.errs, err)
}

// publish writes a value and returns when the last session has it.
func (a *audience) publish(ctx context.Context, writer *zk.Conn, path, value string) (time.Time, error) {
	a.mu.Lock()
	all := make(chan time.Time, 1)
	a.want, a.left, a.all = value, a.size, all
	a.mu.Unlock()
	written := make(chan error, 1)
	go func() {
		_, err := writer.Set(path, []byte(value), -1)
		written <- err
	}()
	const patience = 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case at := <-all:
		return at, <-written
	case <-ctx.Done():
		a.mu.Lock()
		defer a.mu.Unlock()
		return time.Time{}, fmt.Errorf("%d of %d sessions do not have the value: %v", a.left, a.size, cmp.Or(errors.Join(a.errs...), ctx.Err()))
	}
}

// followers open a session that tells the audience each value of the key.
var followers = map[string]func(ctx context.Context, servers []string, path string, a *audience) (end func() error, err error){
	floor: func(_ context.Context, servers []string, path string, a *audience) (func() error, error) {
		conn, err := connect(servers, manyTimeout)
		if err != nil {
			return nil, err
		}
		var reading sync.WaitGroup
		end := func() error {
			conn.Close() // ends the watch
			reading.Wait()
			return nil
		}
		_, _, events, err := conn.GetW(path)
		if err != nil {
			return nil, errors.Join(err, end())
		}
		reading.Go(func() {
			for {
				if event := <-events; event.Type != zk.EventNodeDataChanged {
					return
				}
				var data []byte
				if data, _, events, err = conn.GetW(path); err != nil {
					a.failed(err)
					return
				}
				a.has(data)
			}
		})
		return end, nil
	},
	docent: func(ctx context.Context, servers []string, path string, a *audience) (func() error, error) {
		sm, err := session.Dial(ctx, session.Config{
			Servers: servers, Timeout: manyTimeout,
			Logger: slog.New(slog.DiscardHandler), // the audience notices a session that ends
		})
		if err != nil {
			return nil, err
		}
		// A value is decoded right before it is stored for Load.
		v, err := config.Open(ctx, sm, path, config.Codec[[]byte]{Decode: func(data []byte) ([]byte, error) {
			a.has(data)
			return bytes.Clone(data), nil
		}})
		if err != nil {
			return nil, errors.Join(err, sm.Close())
		}
		return func() error { return errors.Join(v.Close(), sm.Close()) }, nil
	},
}

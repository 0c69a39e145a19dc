// Command etcd measures the recipes of etcd's concurrency package. It reads one
// task a line: see driver.go of the benchmark.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.uber.org/zap"
)

// run is the task of one line.
type run struct {
	ctx      context.Context
	path     string
	sessions []*concurrency.Session
	clients  int
	ops      int
	warm     int
}

// pool has the sessions, each on its own client, kept from run to run.
var pool []*concurrency.Session

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		elapsed, each, err := do(strings.Fields(lines.Text()))
		if err != nil {
			fmt.Println("fail", strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		times := make([]string, len(each))
		for i, d := range each {
			times[i] = strconv.FormatInt(int64(d), 10)
		}
		fmt.Println("ok", int64(elapsed), len(each), strings.Join(times, ","))
	}
	for _, s := range pool {
		_ = s.Client().Close() // the run is over
	}
}

func do(words []string) (time.Duration, []time.Duration, error) {
	if len(words) != 7 {
		return 0, nil, errors.New("a line must have seven words")
	}
	var numbers [4]int
	for i := range numbers {
		var err error
		if numbers[i], err = strconv.Atoi(words[3+i]); err != nil {
			return 0, nil, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	sessions, err := connect(ctx, words[1], numbers[1])
	if err != nil {
		return 0, nil, err
	}
	r := &run{ctx, words[2], sessions, numbers[0], numbers[2], numbers[3]}
	switch words[0] {
	case "lock":
		return r.lock()
	case "elect":
		return r.elect()
	case "config":
		return r.config()
	}
	return 0, nil, fmt.Errorf("unknown measure: %s", words[0])
}

func connect(ctx context.Context, endpoint string, n int) ([]*concurrency.Session, error) {
	for len(pool) < n {
		client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: 10 * time.Second, Logger: zap.NewNop()})
		if err != nil {
			return nil, err
		}
		if _, err := client.Get(ctx, "/"); err != nil {
			return nil, err
		}
		s, err := concurrency.NewSession(client, concurrency.WithTTL(60))
		if err != nil {
			return nil, err
		}
		pool = append(pool, s)
	}
	return pool[:n], nil
}

// each times operations one after the other.
func (r *run) each(f func(i int) error) (time.Duration, []time.Duration, error) {
	var each []time.Duration
	var begin time.Time
	for i := range r.warm + r.ops {
		if i == r.warm {
			begin = time.Now()
		}
		start := time.Now()
		if err := f(i); err != nil {
			return 0, nil, err
		}
		if i >= r.warm {
			each = append(each, time.Since(start))
		}
	}
	return time.Since(begin), each, nil
}

func (r *run) lock() (time.Duration, []time.Duration, error) {
	locks := make([]*concurrency.Mutex, r.clients)
	for i := range locks {
		locks[i] = concurrency.NewMutex(r.sessions[i%len(r.sessions)], r.path)
	}
	op := func(c int) error {
		if err := locks[c].Lock(r.ctx); err != nil {
			return err
		}
		return locks[c].Unlock(r.ctx)
	}
	if r.clients == 1 {
		return r.each(func(int) error { return op(0) })
	}
	if _, _, err := r.crowd(max(r.clients, r.warm), op); err != nil {
		return 0, nil, err
	}
	return r.crowd(r.ops, op)
}

// crowd times operations of several clients at once.
func (r *run) crowd(ops int, f func(c int) error) (time.Duration, []time.Duration, error) {
	var left atomic.Int64
	left.Store(int64(ops))
	times := make([][]time.Duration, r.clients)
	errs := make([]error, r.clients)
	var work sync.WaitGroup
	begin := time.Now()
	for c := range r.clients {
		work.Go(func() {
			for left.Add(-1) >= 0 && errs[c] == nil {
				start := time.Now()
				errs[c] = f(c)
				times[c] = append(times[c], time.Since(start))
			}
		})
	}
	work.Wait()
	elapsed := time.Since(begin)
	var all []time.Duration
	for _, t := range times {
		all = append(all, t...)
	}
	return elapsed, all, errors.Join(errs...)
}

// elect times each resignation until the other candidate leads.
func (r *run) elect() (time.Duration, []time.Duration, error) {
	var each []time.Duration
	var total time.Duration
	for i := range r.warm + r.ops {
		a, b := concurrency.NewElection(r.sessions[0], r.path), concurrency.NewElection(r.sessions[1], r.path)
		if err := a.Campaign(r.ctx, "a"); err != nil {
			return 0, nil, err
		}
		leads := make(chan error, 1)
		go func() { leads <- b.Campaign(r.ctx, "b") }()
		time.Sleep(20 * time.Millisecond) // until it is queued
		start := time.Now()
		resigned := make(chan error, 1)
		go func() { resigned <- a.Resign(r.ctx) }()
		err := <-leads
		took := time.Since(start)
		if err := errors.Join(err, <-resigned, b.Resign(r.ctx)); err != nil {
			return 0, nil, err
		}
		if i >= r.warm {
			each = append(each, took)
			total += took
		}
	}
	return total, each, nil
}

// config times each put until a watcher has the value.
func (r *run) config() (time.Duration, []time.Duration, error) {
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	writer, reader := r.sessions[0].Client(), r.sessions[1].Client()
	if _, err := writer.Put(ctx, r.path, "0"); err != nil {
		return 0, nil, err
	}
	news := reader.Watch(ctx, r.path, clientv3.WithCreatedNotify())
	<-news // the watch is set
	return r.each(func(i int) error {
		written := make(chan error, 1)
		go func() {
			_, err := writer.Put(ctx, r.path, strconv.Itoa(i+1))
			written <- err
		}()
		answer, open := <-news
		if !open {
			return errors.New("the watch has ended")
		}
		return errors.Join(answer.Err(), <-written)
	})
}

package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Subjects, in the order of the tables.
const (
	floor   = "floor" // the bare requests of the client that Docent uses
	docent  = "docent"
	goZK    = "go-zookeeper"
	curator = "curator"
	kazoo   = "kazoo"
	etcd    = "etcd"
)

// unit says which part of a sample is the cost of an operation.
type unit int

const (
	latency unit = iota // the median of the single operations
	perOp               // elapsed time over operations
	counted             // the sample's value
)

// measure is a question, with the subjects that answer it.
type measure struct {
	name     string // "lock/uncontended": -only selects it by a prefix
	title    string
	unit     unit
	of       string // the unit of a counted value
	clients  int
	site     string // a site of the lab; empty means standalone
	x        float64
	axis     string // growth: the meaning of x
	rounds   int    // the maximum in a run of all measures; 0 means no maximum
	cold     bool   // takes long, and needs no warm-up round
	large    bool   // needs a large machine: -large includes it
	turns    int    // turns of each subject in a round; 0 means one
	subjects []subject
	absent   map[string]string // why a peer has no figure
	budgets  []budget
}

// budget bounds the cost of a subject: relative to another subject, or without
// one absolutely, in microseconds or in the unit of a counted value.
type budget struct {
	subject string // empty means Docent
	against string
	beyond  bool // bounds what Docent costs more than the other, not their ratio
	most    float64
}

// atMost bounds Docent's cost absolutely.
func atMost(most float64) budget { return budget{most: most} }

// against bounds Docent's cost relative to another subject.
func against(subject string, most float64) budget { return budget{against: subject, most: most} }

// beyond bounds what Docent costs more than another subject.
func beyond(subject string, most float64) budget {
	return budget{against: subject, beyond: true, most: most}
}

// taken returns how many rounds the measure takes in a run of that many rounds.
func (m measure) taken(rounds int) int {
	if m.rounds > 0 {
		return min(rounds, m.rounds)
	}
	return rounds
}

// subject is one way to do the measured operation.
type subject struct {
	name string
	run  func(env) (sample, error)
}

// env is the environment of a subject: a directory of its own.
type env struct {
	context.Context
	lab  *lab
	site *site
	dir  string
}

// selects reports whether a list of prefixes selects the measure.
func selects(only, name string) bool {
	if only == "" {
		return true
	}
	for prefix := range strings.SplitSeq(only, ",") {
		if strings.HasPrefix(name, strings.TrimSpace(prefix)) {
			return true
		}
	}
	return false
}

// warmth is the number of operations before the clock starts.
func warmth(ops int) int { return max(1, ops/10) }

// eachOp times operations one after the other.
func eachOp(ops int, f func(i int) error) (sample, error) {
	return eachUntil(ops, func(i int) (time.Time, error) {
		err := f(i)
		return time.Now(), err
	})
}

// eachUntil is eachOp for operations that return the time of their end.
func eachUntil(ops int, f func(i int) (done time.Time, err error)) (sample, error) {
	warm := warmth(ops)
	for i := range warm {
		if _, err := f(i); err != nil {
			return sample{}, err
		}
	}
	s := sample{each: make([]time.Duration, 0, ops), ops: ops}
	begin := time.Now()
	for i := range ops {
		start := time.Now()
		done, err := f(warm + i)
		if err != nil {
			return sample{}, err
		}
		s.each = append(s.each, done.Sub(start))
	}
	s.elapsed = time.Since(begin)
	return s, nil
}

// crowd makes that many clients share the operations, each as fast as it can,
// and times the whole.
func crowd(clients, ops int, f func(client int) error) (sample, error) {
	if _, err := crowdOnce(clients, max(clients, warmth(ops)), f); err != nil {
		return sample{}, err
	}
	return crowdOnce(clients, ops, f)
}

func crowdOnce(clients, ops int, f func(client int) error) (sample, error) {
	var left atomic.Int64
	left.Store(int64(ops))
	each := make([][]time.Duration, clients)
	errs := make([]error, clients)
	gate := make(chan struct{})
	var work sync.WaitGroup
	for c := range clients {
		work.Go(func() {
			<-gate
			for left.Add(-1) >= 0 && errs[c] == nil {
				start := time.Now()
				errs[c] = f(c)
				each[c] = append(each[c], time.Since(start))
			}
		})
	}
	begin := time.Now()
	close(gate)
	work.Wait()
	s := sample{ops: ops, elapsed: time.Since(begin)}
	for c := range clients {
		if errs[c] != nil {
			return sample{}, errs[c]
		}
		s.each = append(s.each, each[c]...)
	}
	return s, nil
}

// inParallel runs f(0) to f(n-1), a few at a time, for preparations before the
// clock starts.
func inParallel(n int, f func(i int) error) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var work sync.WaitGroup
	for range min(n, 32) {
		work.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && failed.Load() == nil; i = int(next.Add(1)) - 1 {
				if err := f(i); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	work.Wait()
	if err := failed.Load(); err != nil {
		return fmt.Errorf("preparing: %w", *err)
	}
	return nil
}

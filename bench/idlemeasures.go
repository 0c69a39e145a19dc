package main

import (
	"runtime"
	"time"
)

// idleMeasures measure the cost of idle sessions. The kernel's figures for a
// process are Linux's.
func idleMeasures() []measure {
	if runtime.GOOS != "linux" {
		return nil
	}
	alone := map[string]string{}
	for _, peer := range []string{curator, kazoo, etcd} {
		alone[peer] = "this compares Docent with the client that it uses"
	}
	each := func(n int, f func(idleCost) float64) []subject {
		return idleSubjects(n, func(_ env, c idleCost) (float64, error) { return f(c) / float64(n), nil })
	}
	const many = 1500
	return []measure{
		{
			name: "session/heap", title: "Heap of a session, of 200 idle ones", unit: counted, of: "KiB", clients: 200, rounds: 1, cold: true,
			subjects: each(200, func(c idleCost) float64 { return c.Heap / (1 << 10) }),
			absent:   alone,
			budgets:  []budget{atMost(64)},
		},
		{
			name: "session/goroutines", title: "Goroutines of a session, of 200 idle ones", unit: counted, of: "goroutines", clients: 200, rounds: 1, cold: true,
			subjects: each(200, func(c idleCost) float64 { return c.Goroutines }),
			absent:   alone,
			budgets:  []budget{atMost(5)},
		},
		{
			name: "session/resident", title: "Resident memory of 1,500 idle sessions", unit: counted, of: "MiB", clients: many, rounds: 1, cold: true,
			subjects: idleSubjects(many, func(_ env, c idleCost) (float64, error) { return c.Resident / (1 << 20), nil }),
			absent:   alone,
			budgets:  []budget{against(goZK, 1.5)},
		},
		{
			// The two send the same pings, byte by byte, so that one turn of each tells what
			// else the machine did: it takes several, in turn.
			name: "session/server", title: "The server's processor for 1,500 idle sessions, session timeout 4s", unit: counted, of: "ms/s",
			clients: many, rounds: 4, cold: true,
			subjects: idleSubjects(many, func(e env, _ idleCost) (float64, error) { return serversProcessor(e, 6*time.Second) }),
			absent:   alone,
			budgets:  []budget{against(goZK, 1.1)},
		},
	}
}

// idleSubjects measure something while a process has n idle sessions.
func idleSubjects(n int, f func(env, idleCost) (float64, error)) []subject {
	var subjects []subject
	for _, name := range []string{docent, goZK} {
		subjects = append(subjects, subject{name, func(e env) (sample, error) {
			var s sample
			err := withIdle(e, name, n, func(c idleCost) (err error) {
				s.value, err = f(e, c)
				return err
			})
			return s, err
		}})
	}
	return subjects
}

// serversProcessor returns the processor time of a site's servers over d, in
// milliseconds a second.
func serversProcessor(e env, d time.Duration) (float64, error) {
	before, err := serversTime(e)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	select {
	case <-time.After(d):
	case <-e.Done():
		return 0, e.Err()
	}
	after, err := serversTime(e)
	return float64((after - before).Milliseconds()) / time.Since(start).Seconds(), err
}

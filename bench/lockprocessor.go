package main

import (
	"fmt"
	"time"
)

// contendedProcessor measures the processor time of a contended acquisition:
// the time of this process, which all sessions share, and the server's. On a
// machine whose processors are busy throughout, an acquisition takes at least
// the sum divided by the number of processors.
func contendedProcessor() []measure {
	const clients, ops = 8, 1500
	spent := func(of func(env) (time.Duration, error)) []subject {
		return []subject{
			{docent, timeOf(ops, of, func(e env) (sample, error) { return docentLocks(e, clients, clients, ops) })},
			{goZK, timeOf(ops, of, func(e env) (sample, error) { return zkLocks(e, clients, clients, ops) })},
		}
	}
	absent := map[string]string{
		floor: "a chain without contenders", curator: "another language", kazoo: "another language", etcd: "another server",
	}
	m := measure{unit: counted, of: "µs", clients: clients, rounds: 2, absent: absent}
	process, server := m, m
	process.name, process.title = "lock/contended-8-process", "8 sessions contend: the clients' processor, per acquisition"
	process.subjects = spent(func(env) (time.Duration, error) { return ownProcessorTime() })
	server.name, server.title = "lock/contended-8-server", "8 sessions contend: the server's processor, per acquisition"
	server.subjects = spent(serversTime)
	return []measure{process, server}
}

// timeOf returns a subject's function that measures a processor time for each
// of so many operations, the tenth for the warm-up included.
func timeOf(ops int, of func(env) (time.Duration, error), run func(env) (sample, error)) func(env) (sample, error) {
	return func(e env) (sample, error) {
		before, err := of(e)
		if err != nil {
			return sample{}, err
		}
		if _, err := run(e); err != nil {
			return sample{}, err
		}
		after, err := of(e)
		done := ops + warmth(ops)
		return sample{ops: done, value: float64((after - before).Microseconds()) / float64(done)}, err
	}
}

// serversTime is the processor time of the standalone server.
func serversTime(e env) (time.Duration, error) {
	set, err := e.lab.servers(standalone)
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, s := range set.Servers() {
		used, err := processorTime(s.Pid())
		if err != nil {
			return 0, fmt.Errorf("server %d: %w", s.ID(), err)
		}
		sum += used
	}
	return sum, nil
}

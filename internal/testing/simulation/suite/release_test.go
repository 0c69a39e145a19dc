package suite_test

import (
	"testing"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/zktest"
)

// oldSeeds is the number of runs of each program on the oldest servers.
const oldSeeds = 2

// Every recipe keeps its promises on servers of ZooKeeper 3.5, the oldest that
// are supported. They have no persistent watches, no reads of many znodes in one
// request and no whoAmI, and they close the connection that asks for these.
func TestServersOf35(t *testing.T) {
	for name, p := range map[string]simulation.Program{
		"barriers": barriers(), "double barriers": forced(doubles()), "config": configs(), "consumers": consumers(), "counters": counters(),
		"leader latches": forced(elections(true)), "leader selectors": elections(true, election.Layout(election.LeaderSelector)),
		"one-node elections": elections(false, election.Layout(election.OneNode)),
		"groups":             groups(), "partitioners": partitioners(), "mutexes": forced(mutexes()), "handoffs": handoffs(),
		"one-node locks": oneNodes(), "read/write locks": forced(rwMutexes()), "several locks": multis(), "registries": registries(),
		"worker ids": workers(), "names": names(), "jobs": forced(onces()), "queues": queues(), "revocations": recalls(),
		"semaphores": forced(semaphores()), "resized semaphores": resized(),
	} {
		t.Run(name, func(t *testing.T) {
			p.Release = zktest.V35
			simulation.Run(t, oldSeeds, p)
		})
	}
}

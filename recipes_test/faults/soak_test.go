package faults

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// TestSoakFaults runs all workloads in five processes at once, on three
// servers, under the nemesis. It demands that every history can be explained.
func TestSoakFaults(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	r := newRun(t, 5, ensemble.PeerProxies(), ensemble.Config("autopurge.purgeInterval", "1")) // hours
	ctx, stop := context.WithTimeout(t.Context(), duration(t, 90*time.Second))
	defer r.start(ctx, []workload{
		{"mutex", exclusive, mutexWork},
		{"election", exclusive, electionWork},
		{"semaphore", permits(permitLimit), semaphoreWork},
		{"counter", counting, counterWork},
		{"config", registers, configWork},
		{"queue", items, queueWork},
	})()
	var hands sync.WaitGroup
	defer hands.Wait()
	defer stop()
	for hand := range 2 {
		hands.Go(func() { r.nemesis.clients(ctx, hand) })
	}
	r.nemesis.servers(ctx)
}

// TestFullDisk fills a server's disk to the last byte, the leader's included.
// The other servers continue, and no answered write is lost.
func TestFullDisk(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	ensemble.RequireDisks(t)
	r := newRun(t, 3, ensemble.OwnDisks())
	ctx, stop := context.WithCancel(t.Context())
	defer r.start(ctx, []workload{
		{"mutex", exclusive, mutexWork},
		{"counter", counting, counterWork},
		{"queue", items, queueWork},
	})()
	defer stop()
	leader := r.nemesis.e.Leader()
	for _, victim := range []*ensemble.Server{leader, r.nemesis.e.Followers()[0]} {
		r.nemesis.count("full disk")
		r.nemesis.note("the disk of server %d (%s) is full", victim.ID(), victim.Mode())
		victim.FillDisk()
		ensemble.Eventually(t, patience, "the server with the full disk does not serve", func() bool { return victim.Mode() == "" })
		r.nemesis.note("server %d does not serve", victim.ID())
		r.progress("with two servers of three")
		victim.FreeDisk()
		victim.Restart() // as an operator does
		r.nemesis.heal()
	}
	r.progress("with all servers")
}

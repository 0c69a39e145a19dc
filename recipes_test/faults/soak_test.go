package faults

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// eraLength is how long an ensemble lives at most. A run that takes hours has
// many rolling upgrades that way.
const eraLength = 20 * time.Minute

// upgradeTime is the part of an era that is kept for its upgrade, a third at
// most.
const upgradeTime = 20 * time.Second

// allWork is every recipe with its model.
func allWork() []workload {
	return []workload{
		{"mutex", exclusive, mutexWork},
		{"handoff", handed(handoffs), handoffWork},
		{"rwmutex", shared, readWriteWork},
		{"onenode", exclusive, oneNodeWork},
		{"semaphore", permits(permitLimit), semaphoreWork},
		{"once", jobs(jobApart), onceWork},
		{"election", exclusive, electionWork},
		{"election-onenode", exclusive, oneNodeElectionWork},
		{"partitioner", numbers, partitionWork},
		{"workers", numbers, workersWork},
		{"names", ascending, namesWork},
		{"gate", gates, gateWork},
		{"double", meetings(meetCount), meetingWork},
		{"counter", counting, counterWork},
		{"config", registers, configWork},
		{"queue", items, queueWork},
	}
}

// TestSoakFaults runs all workloads in five processes at once, on three
// servers, under the nemesis. It demands that every history can be explained.
// At the end of each era, servers of ZooKeeper 3.8 are upgraded to 3.9, one
// after the other.
func TestSoakFaults(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	from := seed(t)
	t.Logf("DOCENT_SEED=%d", from)
	left := duration(t, 90*time.Second)
	for n := 0; left > 0; n++ {
		lasts := min(left, eraLength)
		left -= lasts
		t.Run(fmt.Sprint("era ", n), func(t *testing.T) { era(t, from+uint64(n), lasts) })
	}
}

// era is the life of one ensemble under faults.
func era(t *testing.T, seed uint64, lasts time.Duration) {
	opts := []ensemble.Option{
		ensemble.PeerProxies(),
		ensemble.Config("autopurge.purgeInterval", "1"), // hours
		ensemble.Config("syncLimit", "16"),              // a deposed leader needs four seconds to notice
	}
	var more []fault
	if ensemble.CanRefuseWrites(t) {
		more = append(more, diskFaults...)
	}
	if ensemble.CanSetClocks(t) {
		opts, more = append(opts, ensemble.OwnClocks()), append(more, clockFaults...)
	}
	r := newRun(t, seed, 5, opts...)
	r.nemesis.more = more
	upgrade := ensemble.CanUpgrade(t)
	if upgrade {
		lasts -= min(lasts/3, upgradeTime)
	}
	working, stop := context.WithCancel(t.Context())
	defer r.start(working, allWork())()
	defer stop()
	var hands sync.WaitGroup
	defer hands.Wait()
	faulty, calm := context.WithCancel(t.Context())
	defer calm()
	for hand := range 2 {
		hands.Go(func() { r.nemesis.clients(faulty, hand) })
	}
	ended, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	r.nemesis.servers(ended)
	if upgrade {
		r.nemesis.upgrade()
		r.progress("after the upgrade")
	}
	t.Logf("%d leaders one after the other, and %d times two at once", r.nemesis.epoch(), r.nemesis.twoLeaders.Load())
}

// TestFullDisk fills a server's disk to the last byte, the leader's included.
// The other servers continue, and no answered write is lost.
func TestFullDisk(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	ensemble.RequireDisks(t)
	r := newRun(t, seed(t), 3, ensemble.OwnDisks())
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

package core

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// failures remembers which servers have failed recently, so that they are
// dialled last. It outlives a session: the next session must not begin with the
// server that lost the previous one. It is safe for concurrent use.
type failures struct {
	memory time.Duration // how long a failure counts

	mu      sync.Mutex
	count   uint64 // orders failures of the same instant
	addrs   map[string]failure
	servers map[string]failure // by configured address: a name may have several addresses
}

type failure struct {
	at    time.Time
	count uint64 // never zero
}

func newFailures(memory time.Duration) *failures {
	return &failures{memory: memory, addrs: make(map[string]failure), servers: make(map[string]failure)}
}

// note remembers that a dial, a handshake or a connection has just failed.
func (f *failures) note(t target) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	f.addrs[t.addr] = failure{time.Now(), f.count}
	f.servers[t.server] = f.addrs[t.addr]
}

// sort moves the targets that have failed to the end, the newest failure last.
// It keeps the order of the others. A failure also counts for the other
// addresses of the same configured server: they may be addresses of the same
// machine.
func (f *failures) sort(targets []target) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, kept := range []map[string]failure{f.addrs, f.servers} {
		for key, failed := range kept {
			if time.Since(failed.at) >= f.memory {
				delete(kept, key)
			}
		}
	}
	slices.SortStableFunc(targets, func(a, b target) int {
		byAddr, ofA := f.ranks(a)
		otherAddr, ofB := f.ranks(b)
		return cmp.Or(cmp.Compare(ofA, ofB), cmp.Compare(byAddr, otherAddr))
	})
}

// ranks returns the newest failure of a target's address, and of its address or
// its server. The caller holds mu.
func (f *failures) ranks(t target) (addr, both uint64) {
	addr = f.addrs[t.addr].count
	return addr, max(addr, f.servers[t.server].count)
}

package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/naming"
)

const (
	serviceName = "api"

	serviceChanges   = 500
	changedInstances = serviceChanges / 4 * 3
	changePause      = 10 * time.Millisecond

	// A tree combines changes within 50 ms. The measured changes come one at a
	// time.
	apart       = 80 * time.Millisecond
	treeChanges = 100
)

// changeMeasures measure the cost of a change of a large view to its reader.
func changeMeasures() []measure {
	alone := onlyDocent()
	return []measure{
		{
			name: "config/tree-change", title: "A config tree of 10,000 keys: one change published until Changes has it", clients: 2, rounds: 2,
			subjects: []subject{
				{floor, func(e env) (sample, error) { return zkVisible(e, 20) }},
				{docent, docentTreeChange(20)},
				treeChange(curator, 20),
				treeChange(kazoo, 20),
			},
			absent: map[string]string{goZK: "has no such recipe", etcd: "has no such recipe"},
		},
		{
			name: "config/tree-change-processor", title: "A config tree of 10,000 keys: the reader's processor for one change",
			unit: counted, of: "µs", clients: 1, rounds: 2, cold: true,
			subjects: []subject{
				{floor, treeOwn(keysVerb, func(s spent) float64 { return micros(s.Processor) })},
				{docent, treeOwn(treeVerb, func(s spent) float64 { return micros(s.Processor) })},
			},
			absent: alone, budgets: []budget{beyond(floor, 100)},
		},
		{
			name: "config/tree-change-allocated", title: "A config tree of 10,000 keys: what the reader allocates for one change",
			unit: counted, of: "KB", clients: 1, rounds: 1, cold: true,
			subjects: []subject{{docent, treeOwn(treeVerb, func(s spent) float64 { return s.Allocated / 1000 })}},
			absent:   alone, budgets: []budget{atMost(20)},
		},
		{
			name: "naming/watch-processor", title: "A service of 5,000 instances: a watcher's share of a core while 500 changes come in 5 s",
			unit: counted, of: "%", clients: 1, rounds: 1, cold: true,
			subjects: []subject{{docent, serviceProcessor}},
			absent:   alone, budgets: []budget{atMost(10)},
		},
	}
}

// treeChange measures a driver's reader of the tree.
func treeChange(name string, ops int) subject {
	return subject{name, func(e env) (sample, error) {
		dir, err := keysOf(e.lab)
		if err != nil {
			return sample{}, err
		}
		return ask(e, name, dir, task{verb: "change", clients: 2, sessions: 2, ops: ops})
	}}
}

// keyChanger writes the keys of a tree, one after the other.
type keyChanger struct {
	writer *zk.Conn
	dir    string
	n      int
	seen   chan treeSighting // nil: the tree is not open
	end    func() error
}

// close closes the tree, if it is open.
func (k *keyChanger) close() error {
	end := k.end
	k.seen, k.end = nil, func() error { return nil }
	return end()
}

// treeSighting is a state of the tree, and the time at which a reader had it.
type treeSighting struct {
	snap *config.TreeSnapshot[string]
	at   time.Time
	err  error
}

func newKeyChanger(e env) (*keyChanger, error) {
	dir, err := keysOf(e.lab)
	if err != nil {
		return nil, err
	}
	writer, err := e.lab.keeper(standalone)
	return &keyChanger{writer: writer, dir: dir, end: func() error { return nil }}, err
}

// follow opens the tree.
func (k *keyChanger) follow(e env) error {
	sms, err := e.site.sm(1)
	if err != nil {
		return err
	}
	t, err := config.OpenTree(e, sms[0], k.dir, config.Text())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(e)
	seen := make(chan treeSighting, 16)
	go func() {
		defer close(seen)
		for snap, err := range t.Changes(ctx) {
			seen <- treeSighting{snap, time.Now(), err}
		}
	}()
	k.seen, k.end = seen, func() error {
		cancel()
		for range seen {
			continue
		}
		return t.Close()
	}
	return (<-seen).err // the state at the start
}

// changedKey is the key that the nth change writes.
func changedKey(dir string, n int) string { return treeKey(dir, n*7919%treeKeys) }

// change writes a key, and waits until the reader has it, if the tree is open.
func (k *keyChanger) change() (time.Time, error) {
	k.n++
	path, value := changedKey(k.dir, k.n), strconv.FormatInt(time.Now().UnixNano(), 10)
	written := make(chan error, 1)
	go func() {
		_, err := k.writer.Set(path, []byte(value), -1)
		written <- err
	}()
	if k.seen == nil {
		err := <-written
		return time.Now(), err
	}
	r := <-k.seen
	if r.err == nil {
		if got := r.snap.Value(strings.TrimPrefix(path, k.dir+"/")); got != value {
			r.err = fmt.Errorf("%s: saw %q instead of %s", path, got, value)
		}
	}
	return r.at, cmp.Or(r.err, <-written)
}

// all writes one key after the other, and times them.
func (k *keyChanger) all(ctx context.Context, changes int) (sample, error) {
	var s sample
	for i := range warmth(changes) + changes {
		if err := pause(ctx, apart); err != nil {
			return sample{}, err
		}
		start := time.Now()
		done, err := k.change()
		if err != nil {
			return sample{}, err
		}
		if i >= warmth(changes) {
			s.each, s.ops = append(s.each, done.Sub(start)), s.ops+1
			s.elapsed += done.Sub(start)
		}
	}
	return s, nil
}

func docentTreeChange(ops int) func(env) (sample, error) {
	return func(e env) (sample, error) {
		k, err := newKeyChanger(e)
		if err != nil {
			return sample{}, err
		}
		err = k.follow(e)
		var s sample
		if err == nil {
			s, err = k.all(e, ops)
		}
		return s, cmp.Or(err, k.close())
	}
}

func spentSoFar() (spent, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	processor, err := ownProcessorTime()
	return spent{processor, float64(m.TotalAlloc)}, err
}

// spending returns what this process spends on f.
func spending(f func() error) (spent, error) {
	runtime.GC() // earlier garbage does not count here
	before, err := spentSoFar()
	if err != nil {
		return spent{}, err
	}
	if err := f(); err != nil {
		return spent{}, err
	}
	after, err := spentSoFar()
	return spent{after.Processor - before.Processor, after.Allocated - before.Allocated}, err
}

// processorOfReading returns the additional processor time of f with a reader,
// compared with f without one; the writer is in this process too.
func processorOfReading(f, follow, end func() error) (time.Duration, error) {
	without, err := spending(f)
	if err != nil {
		return 0, err
	}
	if err := follow(); err != nil {
		return 0, err
	}
	with, err := spending(f)
	return with.Processor - without.Processor, cmp.Or(err, end())
}

// aboveNoise returns a difference of two times, or NaN if it is not positive.
// NaN is not a figure, and meets no budget.
func aboveNoise(v float64) float64 {
	if v <= 0 {
		return math.NaN()
	}
	return v
}

// instancesOf returns the base of a service with many instances.
func instancesOf(l *lab) (string, error) {
	return l.fixture("a service", func(dir string) error {
		conn, err := l.keeper(standalone)
		if err != nil {
			return err
		}
		for _, path := range []string{dir, dir + "/" + serviceName} {
			if _, err := conn.Create(path, nil, 0, open); err != nil {
				return err
			}
		}
		all := instances(serviceInstances)
		nodes := make([]*zk.CreateRequest, len(all))
		for i := range all {
			if nodes[i], err = instanceNode(dir, all[i]); err != nil {
				return err
			}
		}
		return createAll(conn, len(nodes), func(i int) *zk.CreateRequest { return nodes[i] })
	})
}

// instanceNode returns the create of an instance's znode.
func instanceNode(base string, in naming.Instance) (*zk.CreateRequest, error) {
	name, data, err := naming.Curator().Encode(in)
	return &zk.CreateRequest{Path: base + "/" + serviceName + "/" + name, Data: data, Acl: open, Flags: zk.FlagEphemeral}, err
}

// serviceProcessor measures a watcher's share of a core while instances leave,
// come back and change.
func serviceProcessor(e env) (sample, error) {
	base, err := instancesOf(e.lab)
	if err != nil {
		return sample{}, err
	}
	conn, err := e.lab.keeper(standalone)
	if err != nil {
		return sample{}, err
	}
	sms, err := e.site.sm(1)
	if err != nil {
		return sample{}, err
	}
	var watched *naming.Service
	var address string
	round := 0
	all, err := processorOfReading(func() error {
		round++
		address = fmt.Sprintf("192.0.2.%d", round)
		return churn(e, conn, base, address)
	}, func() (err error) {
		watched, err = naming.NewRegistry(sms[0], naming.Base(base)).Open(e, serviceName)
		return err
	}, func() error {
		defer watched.Close()
		return sawAll(e, watched, address)
	})
	share := 100 * all.Seconds() / (serviceChanges * changePause).Seconds()
	return sample{value: aboveNoise(share)}, err
}

// sawAll waits until a watcher has seen the end of a churn.
func sawAll(e env, s *naming.Service, address string) error {
	ctx, cancel := e.deadline()
	defer cancel()
	for _, err := range s.Changes(ctx) {
		if err != nil || changed(s.Load(), address) {
			return err
		}
	}
	return fmt.Errorf("the watcher has not seen all changes: %v", context.Cause(ctx))
}

// churn changes instances at an even pace. Of four changes two write data, one
// removes an instance, and one adds it again. In the end each of these
// instances has the address.
func churn(e env, conn *zk.Conn, base, address string) error {
	pace := time.NewTicker(changePause)
	defer pace.Stop()
	all := instances(changedInstances)
	for i := range serviceChanges {
		in := all[i/4*3+min(i%4, 2)]
		in.Address = address
		node, err := instanceNode(base, in)
		if err != nil {
			return err
		}
		select {
		case <-pace.C:
		case <-e.Done():
			return e.Err()
		}
		switch i % 4 {
		case 0, 1:
			_, err = conn.Set(node.Path, node.Data, -1)
		case 2:
			err = conn.Delete(node.Path, -1)
		case 3:
			_, err = conn.Create(node.Path, node.Data, zk.FlagEphemeral, open)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// changed reports whether a watcher has seen the end of a churn.
func changed(all []naming.Instance, address string) bool {
	if len(all) != serviceInstances {
		return false
	}
	for _, in := range all[:changedInstances] { // sorted by ID
		if in.Address != address {
			return false
		}
	}
	return true
}

package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

func configMeasures() []measure {
	return []measure{
		{
			name: "config/visible", title: "Config published until Load has it", clients: 2,
			turns: 3, subjects: visible(40),
			absent:  map[string]string{goZK: "has no such recipe"},
			budgets: []budget{against(floor, 1.15)},
		},
		{
			name: "config/load", title: "Value.Load", unit: counted, of: "ns", clients: 1, rounds: 5,
			subjects: []subject{{docent, loadValue}},
			absent:   notInProcess("config/load"),
			budgets:  []budget{atMost(5)},
		},
	}
}

// notInProcess is why the peers have no figure for calls that ask no server.
func notInProcess(what string) map[string]string {
	why := what + " asks no server: a figure of another language's clock and compiler says nothing"
	return map[string]string{goZK: "has no such recipe", curator: why, kazoo: why, etcd: "has no such recipe"}
}

// visible is the time from the begin of the set until a reader in another
// session has the new value.
func visible(ops int) []subject {
	return []subject{
		{floor, func(e env) (sample, error) { return zkVisible(e, ops) }},
		{docent, func(e env) (sample, error) { return docentVisible(e, ops, 1) }},
		external(curator, task{verb: "config", clients: 2, sessions: 2, ops: ops}),
		external(kazoo, task{verb: "config", clients: 2, sessions: 2, ops: ops}),
		external(etcd, task{verb: "config", clients: 2, sessions: 2, ops: ops}),
	}
}

// zkVisible is a set, a watch event and a get on the bare client.
func zkVisible(e env, ops int) (sample, error) {
	conns, err := e.site.raw(2)
	if err != nil {
		return sample{}, err
	}
	writer, reader := conns[0], conns[1]
	if _, err := writer.Create(e.dir, []byte("0"), 0, open); err != nil {
		return sample{}, err
	}
	_, _, events, err := reader.GetW(e.dir)
	if err != nil {
		return sample{}, err
	}
	seen := make(chan sighting)
	go func() {
		for range warmth(ops) + ops {
			<-events
			var data []byte
			var err error
			data, _, events, err = reader.GetW(e.dir)
			seen <- sighting{string(data), time.Now(), err}
		}
	}()
	return eachUntil(ops, func(i int) (time.Time, error) {
		written := make(chan error, 1)
		go func() {
			_, err := writer.Set(e.dir, strconv.AppendInt(nil, int64(i+1), 10), -1)
			written <- err
		}()
		r := <-seen
		if r.err == nil && r.value != strconv.Itoa(i+1) {
			r.err = fmt.Errorf("read %q instead of %d", r.value, i+1)
		}
		return r.at, cmp.Or(r.err, <-written)
	})
}

// sighting is a value, and the time at which a reader had it.
type sighting struct {
	value string
	at    time.Time
	err   error
}

// noted is a text codec that notes the time of each decoding. The reader
// decodes a value right before it is stored for Load.
func noted() config.Codec[sighting] {
	return config.Codec[sighting]{
		Decode: func(data []byte) (sighting, error) { return sighting{value: string(data), at: time.Now()}, nil },
	}
}

// docentVisible opens that many keys in one session; each operation writes one
// of them.
func docentVisible(e env, ops, keys int) (sample, error) {
	conns, err := e.site.raw(1)
	if err != nil {
		return sample{}, err
	}
	sms, err := e.site.sm(1)
	if err != nil {
		return sample{}, err
	}
	writer := conns[0] // the same writer as in the floor
	if _, err := writer.Create(e.dir, nil, 0, open); err != nil {
		return sample{}, err
	}
	key := func(i int) string { return fmt.Sprintf("%s/k%05d", e.dir, i) }
	values := make([]*config.Value[sighting], keys)
	err = inParallel(keys, func(i int) error {
		if _, err := writer.Create(key(i), []byte("0"), 0, open); err != nil {
			return err
		}
		values[i], err = config.Open(e, sms[0], key(i), noted())
		return err
	})
	if err != nil {
		return sample{}, err
	}
	ctx, cancel := context.WithCancel(e)
	// Four of the keys, evenly spread, are written and read.
	watched := min(keys, 4)
	at := func(i int) int { return i % watched * keys / watched }
	seen := make([]chan sighting, watched)
	for w := range watched {
		seen[w] = make(chan sighting, 16)
		go func() {
			defer close(seen[w])
			for snap, err := range values[at(w)].Changes(ctx) {
				if err != nil {
					seen[w] <- sighting{err: err}
					return
				}
				seen[w] <- snap.Value
			}
		}()
		if r := <-seen[w]; r.err != nil { // the first is the value at the start
			cancel()
			return sample{}, r.err
		}
	}
	s, err := eachUntil(ops, func(i int) (time.Time, error) {
		written := make(chan error, 1)
		go func() {
			_, err := writer.Set(key(at(i)), strconv.AppendInt(nil, int64(i+1), 10), session.AnyVersion)
			written <- err
		}()
		r := <-seen[i%watched]
		if got := values[at(i)].Load().Value.value; r.err == nil && got != strconv.Itoa(i+1) {
			r.err = fmt.Errorf("loaded %q instead of %d", got, i+1)
		}
		return r.at, cmp.Or(r.err, <-written)
	})
	cancel()
	for _, ch := range seen {
		for range ch {
			continue
		}
	}
	for _, v := range values {
		err = cmp.Or(err, v.Close())
	}
	return s, cmp.Or(err, forget(writer, e.dir))
}

// forget deletes a directory of many nodes, in batches.
func forget(conn *zk.Conn, dir string) error {
	names, _, err := conn.Children(dir)
	if err != nil {
		return err
	}
	for len(names) > 0 {
		var ops []any
		for _, name := range names[:min(500, len(names))] {
			ops = append(ops, &zk.DeleteRequest{Path: dir + "/" + name, Version: -1})
		}
		names = names[len(ops):]
		if _, err := conn.Multi(ops...); err != nil {
			return err
		}
	}
	return conn.Delete(dir, -1)
}

func loadValue(e env) (sample, error) {
	conns, err := e.site.raw(1)
	if err != nil {
		return sample{}, err
	}
	sms, err := e.site.sm(1)
	if err != nil {
		return sample{}, err
	}
	if _, err := conns[0].Create(e.dir, []byte(`{"qps":7}`), 0, open); err != nil {
		return sample{}, err
	}
	v, err := config.Open(e, sms[0], e.dir, config.JSON[struct{ QPS int }]())
	if err != nil {
		return sample{}, err
	}
	sum := 0
	s := inProcess(func(n int) {
		for range n {
			sum += v.Load().Value.QPS
		}
	})
	if sum == 0 {
		return s, fmt.Errorf("%s: loaded nothing", e.dir)
	}
	return s, v.Close()
}

// inProcess times a call that takes nanoseconds. It takes the best of several
// stretches, because other work of the machine only ever adds.
func inProcess(f func(n int)) sample {
	const n, stretches = 200_000, 20
	f(n)
	best := time.Duration(1<<63 - 1)
	for range stretches {
		start := time.Now()
		f(n)
		best = min(best, time.Since(start))
	}
	return sample{value: float64(best) / n}
}

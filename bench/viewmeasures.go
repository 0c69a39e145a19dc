package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

const (
	treeKeys         = 10_000
	serviceInstances = 5_000
)

// recursiveWatch is the number of watches that a server counts for one
// recursive watch: one for the data and one for the children.
const recursiveWatch = 2

// view is a directory that a client follows.
type view struct {
	name  string // the name of the row
	title string
	nodes int
	fill  func(l *lab) (dir string, err error)
	open  func(ctx context.Context, sm *session.Manager, dir string) (nodes int, end func() error, err error) // Docent's
}

var tree = view{"config/tree", "A config tree of 10,000 keys", treeKeys, keysOf,
	func(ctx context.Context, sm *session.Manager, dir string) (int, func() error, error) {
		t, err := config.OpenTree(ctx, sm, dir, config.Text())
		if err != nil {
			return 0, nil, err
		}
		return t.Load().Len(), t.Close, nil
	}}

var service = view{"naming/watch", "A service of 5,000 instances", serviceInstances, instancesOf,
	func(ctx context.Context, sm *session.Manager, dir string) (int, func() error, error) {
		s, err := naming.NewRegistry(sm, naming.Base(dir)).Open(ctx, serviceName)
		if err != nil {
			return 0, nil, err
		}
		return s.View().Len(), func() error { s.Close(); return nil }, nil
	}}

// viewMeasures measure the cost of opening a view, and its watches on the
// server. Curator's CuratorCache and kazoo's TreeCache read the same nodes, and
// decode nothing.
func viewMeasures(v view) []measure {
	counts := func(of func(opened) float64) []subject {
		return v.subjects(func(o opened) sample { return sample{value: of(o)} })
	}
	absent := map[string]string{goZK: "has no such recipe", etcd: "reads all keys below a prefix in one request"}
	return []measure{
		{
			name: v.name + "-open", title: v.title + ": opened", clients: 1, rounds: 3,
			subjects: v.subjects(func(o opened) sample {
				return sample{each: []time.Duration{o.took}, ops: 1, elapsed: o.took}
			}),
			absent:  absent,
			budgets: []budget{against(curator, 0.06)},
		},
		{
			name: v.name + "-requests", title: v.title + ": requests of opening it", unit: counted, of: "requests", clients: 1, rounds: 1, cold: true,
			site: counting, subjects: counts(func(o opened) float64 { return o.requests }),
			absent: absent, budgets: []budget{atMost(30)},
		},
		{
			name: v.name + "-watches", title: v.title + ": watches, as the server counts them", unit: counted, of: "watches", clients: 1, rounds: 1, cold: true,
			site: counting, subjects: counts(func(o opened) float64 { return o.watches }),
			absent: absent, budgets: []budget{atMost(recursiveWatch)},
		},
	}
}

// opened is the cost of opening a view.
type opened struct {
	took              time.Duration
	requests, watches float64
}

func (v view) subjects(of func(opened) sample) []subject {
	measured := func(open func(e env, dir string) (took time.Duration, end func() error, err error)) func(env) (sample, error) {
		return func(e env) (s sample, err error) {
			dir, err := v.fill(e.lab)
			if err != nil {
				return sample{}, err
			}
			before, err := e.site.counts()
			if err != nil {
				return sample{}, err
			}
			took, end, err := open(e, dir)
			if end != nil {
				defer func() {
					if ended := end(); err == nil {
						err = ended
					}
				}()
			}
			if err != nil {
				return sample{}, err
			}
			after, err := e.site.counts()
			return of(opened{took, after.requests - before.requests, after.watches - before.watches}), err
		}
	}
	subjects := []subject{{docent, measured(v.openOurs)}}
	for _, name := range []string{curator, kazoo} {
		subjects = append(subjects, subject{name, measured(func(e env, dir string) (time.Duration, func() error, error) {
			s, err := ask(e, name, dir, task{verb: "open", ops: v.nodes})
			if err != nil {
				return 0, nil, err
			}
			return s.elapsed, func() error {
				_, err := ask(e, name, dir, task{verb: "close"})
				return err
			}, nil
		})})
	}
	return subjects
}

// openOurs opens the view in its own session, so that no earlier session on the
// server counts.
func (v view) openOurs(e env, dir string) (time.Duration, func() error, error) {
	sm, err := e.site.dial()
	if err != nil {
		return 0, nil, err
	}
	start := time.Now()
	n, end, err := v.open(e, sm, dir)
	took := time.Since(start)
	if err != nil {
		return 0, sm.Close, err
	}
	if n != v.nodes {
		err = fmt.Errorf("%d nodes instead of %d", n, v.nodes)
	}
	return took, func() error { return errors.Join(end(), sm.Close()) }, err
}

// counts returns the number of requests to a site's server, if a relay counts
// them, and the server's watches.
func (s *site) counts() (counts, error) {
	var c counts
	if s.relay != nil {
		c.requests = float64(s.relay.requests.Load())
	}
	if s.embedded != nil {
		c.watches = float64(s.embedded.Watches())
	}
	for _, server := range s.servers {
		answer, err := server.Word("mntr")
		if err != nil {
			return c, err
		}
		watches, err := watchCount(answer)
		if err != nil {
			return c, err
		}
		c.watches += watches
	}
	return c, nil
}

type counts struct{ requests, watches float64 }

// watchCount finds the number of watches in the output of mntr.
func watchCount(mntr string) (float64, error) {
	for line := range strings.Lines(mntr) {
		if value, found := strings.CutPrefix(line, "zk_watch_count\t"); found {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("the output of mntr has no number of watches: %q", mntr)
}

// createAll creates znodes in batches.
func createAll(conn *zk.Conn, n int, node func(i int) *zk.CreateRequest) error {
	const most = 500
	return inParallel((n+most-1)/most, func(b int) error {
		var ops []any
		for i := b * most; i < min(n, (b+1)*most); i++ {
			ops = append(ops, node(i))
		}
		_, err := conn.Multi(ops...)
		return err
	})
}

func treeKey(dir string, i int) string { return fmt.Sprintf("%s/k%05d", dir, i) }

// keysOf returns a directory with the keys of a tree.
func keysOf(l *lab) (string, error) {
	return l.fixture("a tree", func(dir string) error {
		conn, err := l.keeper(standalone)
		if err != nil {
			return err
		}
		if _, err := conn.Create(dir, nil, 0, open); err != nil {
			return err
		}
		return createAll(conn, treeKeys, func(i int) *zk.CreateRequest {
			return &zk.CreateRequest{Path: treeKey(dir, i), Data: []byte(fmt.Sprintf("the value of %05d", i)), Acl: open}
		})
	})
}

// keeper returns the session that owns the contents of a lab's server.
func (l *lab) keeper(name string) (*zk.Conn, error) {
	s, err := l.at(name)
	if err != nil {
		return nil, err
	}
	conns, err := s.raw(1)
	if err != nil {
		return nil, err
	}
	return conns[0], nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-zookeeper/zk"
)

// stages are the parts of the capacity run, in their order.
var stages = []struct {
	name string
	run  func(c *capacity) error
}{
	{"sessions", bothSubjects((*capacity).manySessions)},
	{"tree", (*capacity).manyTrees},
	{"contenders", bothSubjects((*capacity).manyContenders)},
	{"fleet", (*capacity).rollingDeploy},
}

func bothSubjects(stage func(c *capacity, subject string) error) func(c *capacity) error {
	return func(c *capacity) error {
		for _, subject := range []string{docent, goZK} {
			if err := stage(c, subject); err != nil {
				return fmt.Errorf("%s: %w", subject, err)
			}
		}
		return nil
	}
}

// withSessions opens many sessions of a subject in a process of their own, and
// calls f while they are open.
func (c *capacity) withSessions(subject string, n int, f func(p *company, opened float64) error) (err error) {
	p, values, err := hire(c.ctx, populationVerb, subject, strconv.Itoa(n), c.ensemble.ConnectString())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.dismiss()) }()
	return f(p, values["opened s"])
}

// manySessions has many sessions idle, holding a lock each, and watching one
// key. Then the leader dies.
func (c *capacity) manySessions(subject string) error {
	n := c.sessions
	idle := fmt.Sprintf("%d sessions, idle", n)
	holding := fmt.Sprintf("%d sessions, each with a lock of its own", n)
	watching := fmt.Sprintf("%d sessions that watch one key", n)
	killed := fmt.Sprintf("the leader of %d watching sessions dies", n)
	return c.withSessions(subject, n, func(p *company, opened float64) error {
		c.note(idle, "time to open them", "s", subject, opened)
		if err := c.during(idle, subject, p); err != nil {
			return err
		}
		if _, err := p.ask("hold /capacity/" + subject + "/locks"); err != nil {
			return err
		}
		if err := c.during(holding, subject, p); err != nil {
			return err
		}
		if _, err := p.ask("release"); err != nil {
			return err
		}
		key := "/capacity/" + subject + "/key"
		if err := c.put(key, []byte("0")); err != nil {
			return err
		}
		if _, err := p.ask("watch " + key); err != nil {
			return err
		}
		if err := c.during(watching, subject, p); err != nil {
			return err
		}
		if err := c.publish(watching, subject, p, key); err != nil {
			return err
		}
		return c.killLeader(killed, subject, p)
	})
}

// publish notes how long the last session waits for a new value: the median of
// some.
func (c *capacity) publish(stage, subject string, p *company, key string) error {
	const publications = 5
	var all []float64
	before, err := c.read(p.pid())
	if err != nil {
		return err
	}
	for i := range publications {
		values, err := p.ask(fmt.Sprintf("publish %s new-%d", key, i+1))
		if err != nil {
			return err
		}
		all = append(all, values["ms"])
	}
	after, err := c.read(p.pid())
	c.note(stage, "a new value, until the last session has it", "ms", subject, median(all))
	c.note(stage, "packets to the servers for a new value", "", subject, (after.received-before.received)/publications)
	return err
}

// killLeader kills the leader and notes when the sessions are connected again.
func (c *capacity) killLeader(stage, subject string, p *company) error {
	leader := c.ensemble.Leader()
	if _, err := p.ask("outage"); err != nil {
		return err
	}
	peak := c.peak()
	leader.Kill()
	values, err := p.ask("returned")
	highest := peak()
	if err != nil {
		return err
	}
	for _, which := range []string{"first", "median", "last"} {
		c.note(stage, "the "+which+" session is connected again", "s", subject, values[which+" s"])
	}
	c.note(stage, "packets to the servers, at most", "/s", subject, highest)
	c.note(stage, "sessions that end", "", subject, values["lost"])
	leader.Restart()
	return c.settled()
}

// settled returns when the ensemble has a quorum, and every server serves.
func (c *capacity) settled() error {
	ctx, cancel := context.WithTimeout(c.ctx, time.Minute)
	defer cancel()
	return c.ensemble.WaitQuorum(ctx)
}

// put writes a znode with all its parents.
func (c *capacity) put(path string, data []byte) error {
	conn, err := connect(c.ensemble.Addrs(), populationTimeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	return putAll(conn, path, data)
}

// manyTrees has many sessions that watch a tree of 1,000 keys each.
func (c *capacity) manyTrees() error {
	const keys, dir = 1000, "/capacity/tree"
	stage := fmt.Sprintf("%d sessions that watch a tree of %d keys", c.sessions, keys)
	conn, err := connect(c.ensemble.Addrs(), populationTimeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := putAll(conn, dir, nil); err != nil {
		return err
	}
	err = inParallel(keys, func(i int) error {
		_, err := conn.Create(fmt.Sprintf("%s/key-%04d", dir, i), []byte(fmt.Sprintf("value %d of a program", i)), 0, open)
		return err
	})
	if err != nil {
		return err
	}
	return c.withSessions(docent, c.sessions, func(p *company, _ float64) error {
		values, err := p.ask("tree " + dir)
		if err != nil {
			return err
		}
		c.note(stage, "time to open all trees", "s", docent, values["s"])
		if err := c.during(stage, docent, p); err != nil {
			return err
		}
		return c.publish(stage, docent, p, dir+"/key-0500")
	})
}

// manyContenders has many contenders for one lock in many processes.
func (c *capacity) manyContenders(subject string) (err error) {
	stage := fmt.Sprintf("%d contenders for one lock, in %d processes", c.contenders, c.processes)
	dir := "/capacity/" + subject + "/line"
	conn, err := connect(c.ensemble.Addrs(), manyTimeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := putAll(conn, dir, nil); err != nil {
		return err
	}
	gate, err := conn.CreateProtectedEphemeralSequential(dir+"/lock-", nil, open) // both subjects wait for it
	if err != nil {
		return err
	}
	begun := time.Now()
	processes := make([]*company, c.processes)
	defer func() {
		for _, p := range processes {
			if p != nil {
				err = errors.Join(err, p.dismiss())
			}
		}
	}()
	err = inParallel(c.processes, func(i int) (err error) {
		processes[i], _, err = hire(c.ctx, contendersVerb, subject, strconv.Itoa(c.contenders/c.processes), c.ensemble.ConnectString(), dir)
		return err
	})
	if err != nil {
		return err
	}
	if err := c.until(5*time.Minute, "all contenders wait", func() (bool, error) {
		_, stat, err := conn.Exists(dir)
		return err == nil && int(stat.NumChildren) == c.contenders+1, err
	}); err != nil {
		return err
	}
	c.note(stage, "time until all wait", "s", subject, time.Since(begun).Seconds())
	before, err := c.read(0)
	if err != nil {
		return err
	}
	if err := conn.Delete(gate, -1); err != nil {
		return err
	}
	for _, p := range processes {
		if _, err := p.answer(); err != nil {
			return err
		}
	}
	after, err := c.read(0)
	n := float64(c.contenders)
	c.note(stage, "from one holder to the next", "ms", subject, after.at.Sub(before.at).Seconds()*1000/n)
	c.note(stage, "packets to the servers for each", "", subject, (after.received-before.received)/n)
	c.note(stage, "processor of the three servers for each", "ms", subject, float64((after.servers-before.servers).Milliseconds())/n)
	return err
}

// rollingDeploy has a service of many instances, each with a session of its own,
// and replaces all of them while others watch.
func (c *capacity) rollingDeploy() error {
	stage := fmt.Sprintf("%d instances, replaced one after the other, %d watchers", c.sessions, c.watchers)
	return c.withSessions(docent, c.sessions, func(p *company, _ float64) error {
		values, err := p.ask("register v1")
		if err != nil {
			return err
		}
		c.note(stage, "time to register all", "s", docent, values["s"])
		return c.withSessions(docent, c.watchers, func(w *company, _ float64) error {
			if values, err = w.ask("resolve " + fleetService); err != nil {
				return err
			}
			c.note(stage, "time to open all watchers", "s", docent, values["s"])
			see := fmt.Sprintf("see v%%d %d", c.sessions)
			if _, err := w.ask(fmt.Sprintf(see, 1)); err != nil {
				return err
			}
			before, err := c.read(w.pid())
			if err != nil {
				return err
			}
			if values, err = p.ask("register v2"); err != nil {
				return err
			}
			c.note(stage, "time to replace all", "s", docent, values["s"])
			if _, err := w.ask(fmt.Sprintf(see, 2)); err != nil {
				return err
			}
			after, err := c.read(w.pid())
			if err != nil {
				return err
			}
			n := float64(c.sessions)
			c.note(stage, "time until every watcher has all", "s", docent, after.at.Sub(before.at).Seconds())
			c.note(stage, "packets to the servers for each instance", "", docent, (after.received-before.received)/n)
			c.note(stage, "processor of a watcher for each instance", "µs", docent, float64((after.client-before.client).Microseconds())/n/float64(c.watchers))
			c.note(stage, "processor of the three servers for each instance", "ms", docent, float64((after.servers-before.servers).Milliseconds())/n)
			resident, err := residentBytes(w.pid())
			c.note(stage, "resident memory of the watchers' process", "MiB", docent, resident/(1<<20))
			return err
		})
	})
}

// until asks every tenth of a second until f returns true.
func (c *capacity) until(d time.Duration, what string, f func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(c.ctx, d)
	defer cancel()
	for {
		if done, err := f(); err != nil || done {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, ctx.Err())
		}
	}
}

// putAll writes a znode, and makes its parents.
func putAll(conn *zk.Conn, path string, data []byte) error {
	for i := 1; i < len(path); i++ {
		if path[i] != '/' {
			continue
		}
		if _, err := conn.Create(path[:i], nil, 0, open); err != nil && !errors.Is(err, zk.ErrNodeExists) {
			return err
		}
	}
	_, err := conn.Create(path, data, 0, open)
	return err
}

package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/lock"
)

// withList is the floor with the list that every fair lock needs: only the list
// shows that no contender is before it.
const withList = "create, list, delete"

var open = zk.WorldACL(zk.PermAll)

func lockMeasures() []measure {
	return append([]measure{
		{
			name: "lock/uncontended", title: "Lock + Release, uncontended, with the token", clients: 1,
			turns: 4, subjects: uncontended(60),
			budgets: []budget{against(floor, 1)},
		},
		{
			name: "lock/turns", title: "Lock + Release, two sessions in turn, never at the same time", clients: 2,
			turns: 4, subjects: inTurn(2, 60),
			absent: map[string]string{
				curator: "makes the same requests as above", kazoo: "makes the same requests as above", etcd: "makes the same requests as above",
			},
		},
		contended("lock/contended-8", 8, 240),
		contended("lock/contended-50", 50, 300),
		{
			name: "lock/handoff-64", title: "64 goroutines of one process, Handoff(64), per acquisition", unit: perOp, clients: 64,
			subjects: []subject{
				{docent, func(e env) (sample, error) {
					sms, err := e.site.sm(1)
					if err != nil {
						return sample{}, err
					}
					m := lock.NewMutex(sms[0], e.dir, lock.Handoff(64))
					return crowd(64, 50_000, func(int) error {
						h, err := m.Lock(e)
						return cmp.Or(err, release(h))
					})
				}},
				{goZK, func(e env) (sample, error) { return zkLocks(e, 64, 1, 320) }},
				external(curator, task{verb: "threads", clients: 50, ops: 150}),
				external(kazoo, task{verb: "lock", clients: 50, sessions: 1, ops: 150}),
			},
			absent:  map[string]string{etcd: "its Mutex belongs to a session: goroutines need sessions of their own"},
			budgets: []budget{against(curator, 1.0/50)},
		},
	}, contendedProcessor()...)
}

// uncontended is one client without contention.
func uncontended(ops int) []subject {
	return append(inTurn(1, ops),
		subject{withList, func(e env) (sample, error) {
			conns, err := e.site.raw(1)
			if err != nil {
				return sample{}, err
			}
			if _, err := conns[0].Create(e.dir, nil, 0, open); err != nil {
				return sample{}, err
			}
			return eachOp(ops, func(int) error {
				path, err := conns[0].Create(e.dir+"/lock-", nil, zk.FlagEphemeral|zk.FlagSequence, open)
				if err != nil {
					return err
				}
				_, _, err = conns[0].Children(e.dir)
				return cmp.Or(err, conns[0].Delete(path, -1))
			})
		}},
		external(curator, task{verb: "lock", clients: 1, sessions: 1, ops: ops}),
		external(kazoo, task{verb: "lock", clients: 1, sessions: 1, ops: ops / 2}),
		external(etcd, task{verb: "lock", clients: 1, sessions: 1, ops: ops / 2}),
	)
}

// inTurn are clients that take the lock in turns. With more than one client,
// none finds the lock as it left it.
func inTurn(clients, ops int) []subject {
	return []subject{
		{floor, func(e env) (sample, error) {
			conns, err := e.site.raw(clients)
			if err != nil {
				return sample{}, err
			}
			if _, err := conns[0].Create(e.dir, nil, 0, open); err != nil {
				return sample{}, err
			}
			return eachOp(ops, func(i int) error {
				conn := conns[i%clients]
				path, err := conn.Create(e.dir+"/lock-", nil, zk.FlagEphemeral|zk.FlagSequence, open)
				if err != nil {
					return err
				}
				return conn.Delete(path, -1)
			})
		}},
		{docent, func(e env) (sample, error) {
			sms, err := e.site.sm(clients)
			if err != nil {
				return sample{}, err
			}
			locks := make([]*lock.Mutex, clients)
			for i := range locks {
				locks[i] = lock.NewMutex(sms[i], e.dir)
			}
			return eachOp(ops, func(i int) error {
				h, err := locks[i%clients].Lock(e)
				if err == nil && h.Token() == 0 {
					err = fmt.Errorf("%s: a hold without a token", e.dir)
				}
				return cmp.Or(err, release(h))
			})
		}},
		{goZK, func(e env) (sample, error) {
			conns, err := e.site.raw(clients)
			if err != nil {
				return sample{}, err
			}
			locks := make([]*zk.Lock, clients)
			for i := range locks {
				locks[i] = zk.NewLock(conns[i], e.dir, open)
			}
			return eachOp(ops, func(i int) error {
				l := locks[i%clients]
				return cmp.Or(l.Lock(), l.Unlock())
			})
		}},
	}
}

func release(h *lock.Hold) error {
	if h == nil {
		return nil
	}
	return h.Release()
}

// contended is a lock that all sessions request again right after the release.
// Its floor is the minimum of a lock between sessions: the holder's node is
// deleted, and the next session gets the event.
func contended(name string, clients, ops int) measure {
	return measure{
		name: name, title: fmt.Sprintf("%d sessions contend, per acquisition", clients), unit: perOp, clients: clients,
		subjects: []subject{
			{floor, func(e env) (sample, error) { return chain(e, clients, ops) }},
			{docent, func(e env) (sample, error) { return docentLocks(e, clients, clients, ops) }},
			{goZK, func(e env) (sample, error) { return zkLocks(e, clients, clients, ops) }},
			external(curator, task{verb: "lock", clients: clients, sessions: clients, ops: ops}),
			external(kazoo, task{verb: "lock", clients: clients, sessions: clients, ops: ops * 3 / 4}),
			external(etcd, task{verb: "lock", clients: clients, sessions: clients, ops: ops / 4}),
		},
		budgets: []budget{against(goZK, 0.75), against(curator, 0.55), against(kazoo, 0.45)},
	}
}

func docentLocks(e env, clients, sessions, ops int) (sample, error) {
	sms, err := e.site.sm(sessions)
	if err != nil {
		return sample{}, err
	}
	locks := make([]*lock.Mutex, sessions)
	for i := range locks {
		locks[i] = lock.NewMutex(sms[i], e.dir)
	}
	return crowd(clients, ops, func(c int) error {
		h, err := locks[c%sessions].Lock(e)
		return cmp.Or(err, release(h))
	})
}

func zkLocks(e env, clients, sessions, ops int) (sample, error) {
	conns, err := e.site.raw(sessions)
	if err != nil {
		return sample{}, err
	}
	return crowd(clients, ops, func(c int) error {
		l := zk.NewLock(conns[c%sessions], e.dir, open)
		return cmp.Or(l.Lock(), l.Unlock())
	})
}

// chain is a row of nodes, each of another session. A session watches the node
// before its own, and deletes its own when that node is deleted.
func chain(e env, sessions, length int) (sample, error) {
	conns, err := e.site.raw(sessions)
	if err != nil {
		return sample{}, err
	}
	if _, err := conns[0].Create(e.dir, nil, 0, open); err != nil {
		return sample{}, err
	}
	node := func(i int) string { return fmt.Sprintf("%s/n%05d", e.dir, i) }
	gone := make([]<-chan zk.Event, length)
	err = inParallel(length, func(i int) error {
		_, err := conns[i%sessions].Create(node(i), nil, zk.FlagEphemeral, open)
		return err
	})
	if err != nil {
		return sample{}, err
	}
	err = inParallel(length, func(i int) error {
		if i == 0 {
			return nil
		}
		_, _, events, err := conns[i%sessions].ExistsW(node(i - 1))
		gone[i] = events
		return err
	})
	if err != nil {
		return sample{}, err
	}
	errs := make(chan error, length)
	link := func(i int) {
		if i > 0 {
			<-gone[i]
		}
		errs <- conns[i%sessions].Delete(node(i), -1)
	}
	for i := 1; i < length; i++ {
		go link(i)
	}
	start := time.Now()
	link(0)
	for range length {
		if err := <-errs; err != nil {
			return sample{}, err
		}
	}
	return sample{ops: length, elapsed: time.Since(start)}, nil
}

// deadline bounds a step that must not hang a run.
func (e env) deadline() (context.Context, context.CancelFunc) {
	return context.WithTimeout(e.Context, 60*time.Second)
}

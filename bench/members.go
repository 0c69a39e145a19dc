package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// joiners open a session of a population. changed is told when it is connected
// or no longer, and when it has ended against its will.
var joiners = map[string]func(ctx context.Context, servers []string, changed func(up, lost bool)) (member, error){
	docent: joinDocent,
	goZK:   joinRaw,
}

// docentMember is a session of Docent.
type docentMember struct {
	sm   *session.Manager
	held *lock.Hold
	reg  *naming.Registration
	ends []func() error
	work sync.WaitGroup
}

type stateHook func(up, lost bool)

func (h stateHook) OnState(c session.StateChange) {
	h(c.State == session.Connected, c.State == session.Lost)
}

func joinDocent(ctx context.Context, servers []string, changed func(up, lost bool)) (member, error) {
	sm, err := session.Dial(ctx, session.Config{
		Servers: servers, Timeout: populationTimeout, Hooks: []session.Hook{stateHook(changed)}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	return &docentMember{sm: sm}, nil
}

func (m *docentMember) hold(ctx context.Context, path string) (err error) {
	m.held, err = lock.NewMutex(m.sm, path).Lock(ctx)
	return err
}

func (m *docentMember) release() error { return m.held.Release() }

// shown is a codec that shows each value to the audience.
func shown(a *audience) config.Codec[[]byte] {
	return config.Codec[[]byte]{Decode: func(data []byte) ([]byte, error) {
		a.has(data)
		return bytes.Clone(data), nil
	}}
}

func (m *docentMember) watch(ctx context.Context, path string, a *audience) error {
	v, err := config.Open(ctx, m.sm, path, shown(a))
	if err == nil {
		m.ends = append(m.ends, v.Close)
	}
	return err
}

func (m *docentMember) openTree(ctx context.Context, dir string, a *audience) error {
	t, err := config.OpenTree(ctx, m.sm, dir, shown(a))
	if err == nil {
		m.ends = append(m.ends, t.Close)
	}
	return err
}

func (m *docentMember) forget() error {
	var errs []error
	for _, end := range m.ends {
		errs = append(errs, end())
	}
	m.ends = nil
	return errors.Join(errs...)
}

// fleetService is the service of a fleet.
const fleetService = "fleet"

func (m *docentMember) register(ctx context.Context, id, version string) (err error) {
	if m.reg != nil {
		if err := m.reg.Unregister(ctx); err != nil {
			return err
		}
	}
	m.reg, err = naming.NewRegistry(m.sm).Register(ctx, naming.Instance{
		Service: fleetService, ID: id, Address: "10.0.0.1", Port: 8080, Metadata: map[string]string{"version": version},
	})
	return err
}

func (m *docentMember) resolve(ctx context.Context, service string, each func(map[string]int)) error {
	s, err := naming.NewRegistry(m.sm).Open(ctx, service)
	if err != nil {
		return err
	}
	m.ends = append(m.ends, s.Close)
	m.work.Go(func() {
		of, versions := map[string]string{}, map[string]int{} // the version of each id, and how many have it
		for change, err := range s.Changes(ctx) {
			if err != nil {
				continue // the view is stale, and becomes fresh again
			}
			for _, e := range change.Events {
				if old, known := of[e.Instance.ID]; known {
					if versions[old]--; versions[old] == 0 {
						delete(versions, old)
					}
					delete(of, e.Instance.ID)
				}
				if e.Kind != naming.Removed {
					version := e.Instance.Metadata["version"]
					of[e.Instance.ID] = version
					versions[version]++
				}
			}
			each(versions)
		}
	})
	return nil
}

func (m *docentMember) close() error {
	err := errors.Join(m.forget(), m.sm.Close())
	m.work.Wait()
	return err
}

// rawMember is a session of go-zookeeper, with what that library offers.
type rawMember struct {
	conn *zk.Conn
	held *zk.Lock
	work sync.WaitGroup
}

func joinRaw(_ context.Context, servers []string, changed func(up, lost bool)) (member, error) {
	opened := make(chan struct{})
	var once sync.Once
	conn, _, err := zk.Connect(servers, populationTimeout, zk.WithDialer(net.DialTimeout), zk.WithLogger(silent{}), zk.WithEventCallback(func(e zk.Event) {
		if e.Type != zk.EventSession {
			return
		}
		changed(e.State == zk.StateHasSession, e.State == zk.StateExpired)
		if e.State == zk.StateHasSession {
			once.Do(func() { close(opened) })
		}
	}))
	if err != nil {
		return nil, err
	}
	select {
	case <-opened:
		return &rawMember{conn: conn}, nil
	case <-time.After(time.Minute):
		conn.Close()
		return nil, errors.New("no session within a minute")
	}
}

func (m *rawMember) hold(_ context.Context, path string) error {
	m.held = zk.NewLock(m.conn, path, open)
	return m.held.Lock()
}

func (m *rawMember) release() error { return m.held.Unlock() }

func (m *rawMember) watch(_ context.Context, path string, a *audience) error {
	_, _, events, err := m.conn.GetW(path)
	if err != nil {
		return err
	}
	m.work.Go(func() { m.follow(path, events, a) })
	return nil
}

// follow reads the key after each event, and again after an outage.
func (m *rawMember) follow(path string, events <-chan zk.Event, a *audience) {
	for {
		if event := <-events; event.Type != zk.EventNodeDataChanged {
			return // closed, or the session has expired
		}
		data, _, next, err := m.conn.GetW(path)
		if err != nil {
			a.failed(err)
			return
		}
		events = next
		a.has(data)
	}
}

func (m *rawMember) openTree(context.Context, string, *audience) error { return errNotOffered }

func (m *rawMember) forget() error { return nil } // its watches end with the session

func (m *rawMember) register(context.Context, string, string) error { return errNotOffered }

func (m *rawMember) resolve(context.Context, string, func(map[string]int)) error {
	return errNotOffered
}

func (m *rawMember) close() error {
	m.conn.Close()
	m.work.Wait()
	return nil
}

package moving

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// Write is the work of a holder. It gets a token if the lock has one. ctx ends
// when the work must stop.
type Write func(ctx context.Context, token ...int64) error

// UnderEtcd calls write while it holds etcd's lock. ctx bounds the wait, and
// write gets it.
func UnderEtcd(ctx context.Context, client *clientv3.Client, write Write) error {
	s, err := concurrency.NewSession(client, concurrency.WithTTL(10))
	if err != nil {
		return err
	}
	defer s.Close()
	m := concurrency.NewMutex(s, "/locks/orders")
	if err := m.Lock(ctx); err != nil {
		return err
	}
	defer m.Unlock(client.Ctx())
	return write(ctx, m.Header().Revision)
}

// UnderEtcdAndDocent calls write while it holds etcd's lock, and then Docent's.
// ctx bounds the wait. The context of write ends with ctx and with either lock.
func UnderEtcdAndDocent(ctx context.Context, client *clientv3.Client, sm *session.Manager, write Write) error {
	s, err := concurrency.NewSession(client, concurrency.WithTTL(10))
	if err != nil {
		return err
	}
	defer s.Close()
	m := concurrency.NewMutex(s, "/locks/orders")
	if err := m.Lock(ctx); err != nil {
		return err
	}
	defer m.Unlock(client.Ctx())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.Ctx(), cancel)() // etcd's session ends: so does the work
	return lock.NewMutex(sm, "/locks/orders").Do(ctx, func(ctx context.Context, h *lock.Hold) error {
		return write(ctx, m.Header().Revision, h.Token())
	})
}

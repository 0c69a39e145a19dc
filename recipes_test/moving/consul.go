package moving

import (
	"context"

	"github.com/hashicorp/consul/api"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// UnderConsul calls write while it holds Consul's lock. ctx bounds the wait. The
// context of write ends with ctx, and when Consul's client reports a loss.
func UnderConsul(ctx context.Context, client *api.Client, write Write) error {
	l, err := client.LockKey("locks/orders")
	if err != nil {
		return err
	}
	lost, err := l.Lock(ctx.Done())
	if err != nil {
		return err
	}
	if lost == nil {
		return context.Cause(ctx) // ctx has ended the wait
	}
	defer l.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-lost:
			cancel()
		case <-ctx.Done():
		}
	}()
	return write(ctx)
}

// UnderConsulAndDocent calls write while it holds Consul's lock, and then
// Docent's. ctx bounds the wait. The context of write ends with ctx and with
// either lock.
func UnderConsulAndDocent(ctx context.Context, client *api.Client, sm *session.Manager, write Write) error {
	return UnderConsul(ctx, client, func(ctx context.Context, _ ...int64) error {
		return lock.NewMutex(sm, "/locks/orders").Do(ctx, func(ctx context.Context, h *lock.Hold) error {
			return write(ctx, h.Token())
		})
	})
}

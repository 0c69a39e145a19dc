package core_test

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// closer closes a Manager within a callback of the Manager, once it is armed.
type closer struct {
	mu    sync.Mutex
	armed *process

	called atomic.Bool
	took   time.Duration
	done   chan struct{}
}

func newCloser() *closer { return &closer{done: make(chan struct{})} }

func (c *closer) arm(p *process) {
	c.mu.Lock()
	c.armed = p
	c.mu.Unlock()
}

func (c *closer) call() {
	c.mu.Lock()
	p := c.armed
	c.mu.Unlock()
	if p == nil || c.called.Swap(true) {
		return
	}
	start := time.Now()
	_ = p.Close() // always nil
	c.took = time.Since(start)
	close(c.done)
}

type closeOnState struct{ *closer }

func (h closeOnState) OnState(core.StateChange) { h.call() }

type closeOnOp struct{ *closer }

func (h closeOnOp) OnOp(core.OpInfo) { h.call() }

type closeOnAcquired struct{ *closer }

func (h closeOnAcquired) OnAcquired(core.HoldInfo) { h.call() }

type closeOnReleased struct{ *closer }

func (h closeOnReleased) OnReleased(core.HoldInfo) { h.call() }

type closeOnLost struct{ *closer }

func (h closeOnLost) OnLost(core.HoldInfo) { h.call() }

type closeOnSwept struct{ *closer }

func (h closeOnSwept) OnSwept(core.SweptInfo) { h.call() }

type closeOnWait struct{ *closer }

func (h closeOnWait) OnWait(context.Context, core.WaitInfo) func(core.WaitEnd) {
	h.call()
	return nil
}

// closingHandler closes at each line.
type closingHandler struct {
	slog.Handler
	*closer
}

func (h closingHandler) Handle(context.Context, slog.Record) error { h.call(); return nil }

type closingEnabled struct {
	slog.Handler
	*closer
}

func (h closingEnabled) Enabled(context.Context, slog.Level) bool { h.call(); return false }

// Close may be called within every callback of the Manager.
func TestFault16_CloseInsideACallback(t *testing.T) {
	hook := func(h func(*closer) core.Hook) func(*core.Config, *closer) {
		return func(cfg *core.Config, c *closer) { cfg.Hooks = append(cfg.Hooks, h(c)) }
	}
	disconnect := func(w *world, p *process) { p.link.Disconnect() }
	hold := func(w *world, p *process) *core.Hold {
		e, err := p.session().Enter(w.Context(), "/locks", "lock-", nil)
		require.NoError(w, err)
		h, err := e.Hold(w.Context(), 1)
		require.NoError(w, err)
		return h
	}
	for name, c := range map[string]struct {
		use     func(*core.Config, *closer)
		prepare func(w *world, p *process, c *closer) // before it is armed
		trigger func(w *world, p *process)
	}{
		"OnState": {use: hook(func(c *closer) core.Hook { return closeOnState{c} }), trigger: disconnect},
		"OnState at Close": {use: hook(func(c *closer) core.Hook { return closeOnState{c} }),
			trigger: func(w *world, p *process) { p.Close() }},
		"OnOp": {use: hook(func(c *closer) core.Hook { return closeOnOp{c} }),
			trigger: func(w *world, p *process) { _, _, _ = p.Exists(w.Context(), "/") }},
		"OnOp in the background": {use: hook(func(c *closer) core.Hook { return closeOnOp{c} }),
			prepare: func(w *world, p *process, c *closer) {
				h := hold(w, p)
				h.Node().Abandon()
				c.arm(p)
			}},
		"OnOp in a Release": {use: hook(func(c *closer) core.Hook { return closeOnOp{c} }),
			prepare: func(w *world, p *process, c *closer) {
				h := hold(w, p)
				c.arm(p)
				_ = h.Release()
			}},
		"OnAcquired": {use: hook(func(c *closer) core.Hook { return closeOnAcquired{c} }),
			trigger: func(w *world, p *process) {
				e, err := p.session().Enter(w.Context(), "/locks", "lock-", nil)
				require.NoError(w, err)
				_, _ = e.Hold(w.Context(), 1) // which ends with the manager
			}},
		"OnReleased": {use: hook(func(c *closer) core.Hook { return closeOnReleased{c} }),
			trigger: func(w *world, p *process) { _ = hold(w, p).Release() }},
		"OnLost": {use: hook(func(c *closer) core.Hook { return closeOnLost{c} }),
			prepare: func(w *world, p *process, c *closer) { hold(w, p) },
			trigger: func(w *world, p *process) { w.Srv.Expire(p.session().ID()) }},
		"OnLost of a deletion": {use: hook(func(c *closer) core.Hook { return closeOnLost{c} }),
			trigger: func(w *world, p *process) {
				h := hold(w, p)
				time.Sleep(time.Second)
				require.NoError(w, w.client().Delete(h.Path(), -1))
			}},
		"OnSwept": {use: hook(func(c *closer) core.Hook { return closeOnSwept{c} }),
			trigger: func(w *world, p *process) { hold(w, p).Node().Abandon() }},
		"OnWait": {use: hook(func(c *closer) core.Hook { return closeOnWait{c} }),
			trigger: func(w *world, p *process) { p.Waiting(w.Context(), "/locks", false)(nil, nil) }},
		"log handler": {use: func(cfg *core.Config, c *closer) {
			cfg.Logger = slog.New(closingHandler{slog.NewTextHandler(new(logbook), nil), c})
		}, trigger: disconnect},
		"log handler at Close": {use: func(cfg *core.Config, c *closer) {
			cfg.Logger = slog.New(closingHandler{slog.NewTextHandler(new(logbook), nil), c})
		}, trigger: func(w *world, p *process) { p.Close() }},
		"log handler's Enabled": {use: func(cfg *core.Config, c *closer) {
			cfg.Logger = slog.New(closingEnabled{slog.NewTextHandler(new(logbook), nil), c})
		}, trigger: disconnect},
		"Dialer": {use: func(cfg *core.Config, c *closer) {
			dial := cfg.Dialer
			cfg.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
				c.call()
				return dial(ctx, network, addr)
			}
		}, trigger: disconnect},
		"watch function": {use: func(*core.Config, *closer) {},
			prepare: func(w *world, p *process, c *closer) {
				_, _, _, err := p.session().ExistsFunc(w.Context(), "/a", func(core.EventType) { c.call() })
				require.NoError(w, err)
			},
			trigger: func(w *world, p *process) { require.NoError(w, w.Srv.Put("/a", nil)) }},
		"watch function at the end": {use: func(*core.Config, *closer) {},
			prepare: func(w *world, p *process, c *closer) {
				_, _, _, err := p.session().ExistsFunc(w.Context(), "/a", func(core.EventType) { c.call() })
				require.NoError(w, err)
			},
			trigger: func(w *world, p *process) { w.Srv.Expire(p.session().ID()) }},
		"OnWrite": {use: func(*core.Config, *closer) {},
			prepare: func(w *world, p *process, c *closer) {
				h := hold(w, p)
				h.Node().OnWrite(func([]byte) { c.call() })
				time.Sleep(time.Second)
				c.arm(p)
				_, err := w.client().Set(h.Path(), []byte("new"), -1)
				require.NoError(w, err)
			}},
		"States": {use: func(*core.Config, *closer) {},
			prepare: func(w *world, p *process, c *closer) {
				go func() {
					for range p.States(w.Context()) {
						c.call()
					}
				}()
			}, trigger: disconnect},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				cl := newCloser()
				p := w.process(func(cfg *core.Config) { c.use(cfg, cl) })
				synctest.Wait()
				if c.prepare != nil {
					c.prepare(w, p, cl)
				}
				cl.arm(p)
				if c.trigger != nil {
					c.trigger(w, p)
				}
				select {
				case <-cl.done:
					require.LessOrEqual(w, cl.took, 5*time.Second)
				case <-time.After(time.Hour):
					require.Fail(w, "Close hangs, or was never called")
				}
				require.Equal(w, core.Closed, p.State())
			})
		})
	}
}

// LookupHost is called from the same places as Dialer.
func TestFault16_CloseInsideLookupHost(t *testing.T) {
	inWorld(t, func(w *world) {
		var sm *core.Manager
		started := make(chan struct{})
		done := make(chan struct{})
		var err error
		sm, err = core.Start(core.Config{Servers: []string{"zk1"},
			LookupHost: func(context.Context, string) ([]string, error) {
				<-started
				_ = sm.Close()
				close(done)
				return nil, context.Canceled
			}})
		require.NoError(w, err)
		close(started)
		select {
		case <-done:
		case <-time.After(time.Hour):
			require.Fail(w, "Close hangs")
		}
	})
}

// stuckHandler blocks from the moment at which it is stuck.
type stuckHandler struct {
	slog.Handler
	stuck *chan struct{}
}

func (h stuckHandler) Handle(ctx context.Context, r slog.Record) error {
	if c := *h.stuck; c != nil {
		<-c
	}
	return h.Handler.Handle(ctx, r)
}

// A log handler that blocks does not block anything else: calls end with their
// ctx, the session reconnects, sessions follow one another, and Close returns.
// No line is lost, and the lines come in order.
func TestFault16_LogHandlerThatBlocks(t *testing.T) {
	inWorld(t, func(w *world) {
		var log logbook
		var stuck chan struct{}
		p := w.process(func(cfg *core.Config) {
			log.use(cfg)
			cfg.Logger = slog.New(stuckHandler{cfg.Logger.Handler(), &stuck})
		})
		log.take()
		h := p.enter("/locks")
		unblock := make(chan struct{})
		stuck = unblock
		for range 10 {
			p.link.Disconnect()
			time.Sleep(time.Minute)
			require.NoError(w, h.Err())
			_, _, err := p.Get(w.Within(time.Second), "/")
			require.NoError(w, err)
		}
		s := p.session()
		w.Srv.Expire(s.ID())
		p.next(s)
		p.link.Cut(zktest.Both)
		<-p.session().Done()
		start := time.Now()
		_, _, err := p.Get(w.Within(time.Second), "/")
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.Equal(w, time.Second, time.Since(start))
		start = time.Now()
		require.NoError(w, p.Close())
		require.Less(w, time.Since(start), 5*time.Second)
		require.Empty(w, log.take())
		close(unblock)
		lines := log.take()
		require.Contains(w, lines[0], `level=INFO msg="connection changed" state=suspended`)
		require.Contains(w, lines[1], `level=INFO msg="connection changed" state=connected`)
		require.Greater(w, len(lines), 22)
	})
}

// The lines that a blocked handler misses are bounded and counted.
func TestFault16_LogLinesAreBounded(t *testing.T) {
	inWorld(t, func(w *world) {
		var log logbook
		var stuck chan struct{}
		p := w.process(func(cfg *core.Config) {
			log.use(cfg)
			cfg.Logger = slog.New(stuckHandler{cfg.Logger.Handler(), &stuck})
		})
		log.take()
		unblock := make(chan struct{})
		stuck = unblock
		for range 2000 {
			p.link.Disconnect()
			time.Sleep(3 * time.Second)
		}
		close(unblock)
		lines := log.take()
		require.Less(w, len(lines), 2000)
		require.Contains(w, lines[len(lines)-1], `level=WARN msg="log lines were dropped, since the log handler is slow" lines=`)
	})
}

// Close waits for hooks and log lines as long as they do not hang.
func TestFault16_CloseTellsAllHooks(t *testing.T) {
	inWorld(t, func(w *world) {
		var log logbook
		slow := &tardyHook{}
		p := w.process(log.use, func(cfg *core.Config) { cfg.Hooks = append(cfg.Hooks, slow) })
		require.NoError(w, p.Close())
		log.mu.Lock()
		require.Contains(w, log.lines[len(log.lines)-1], "state=closed")
		log.mu.Unlock()
		slow.mu.Lock()
		defer slow.mu.Unlock()
		require.Equal(w, core.Closed, slow.last)
	})
}

type tardyHook struct {
	mu   sync.Mutex
	last core.State
}

func (h *tardyHook) OnState(c core.StateChange) {
	time.Sleep(100 * time.Millisecond)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = c.State
}

// Two concurrent calls of Close both return, in virtual time too.
func TestFault16_CloseTwice(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		p.link.Cut(zktest.Both)
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() { _ = p.Close() })
		}
		both.Wait()
	})
}

//go:build unix

package ui

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/recipes_test/peers"
)

// waiters waits until the lock has n waiters.
func waiters(t *testing.T, look func() *inspect.Report, n int) {
	t.Helper()
	ensemble.Eventually(t, patience, "they wait", func() bool {
		for _, f := range look().Findings {
			if l, is := f.(*inspect.Lock); is && l.Path == "/shared/lock" {
				return len(l.Waiters) == n
			}
		}
		return false
	})
}

// The page shows the nodes of Docent, Curator and kazoo at the same time, and
// one lock that all of them hold in turn.
func TestPageOfAll(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := start(t, 3)
	sm := dial(t, e)
	java := peers.Curator(t, e.ConnectString(), timeout)
	python := peers.Kazoo(t, e.ConnectString(), timeout)
	a, b := java.Actor("a"), python.Actor("a")
	ms := patience.Milliseconds()

	// In the wait queue: Docent, then Curator, then kazoo, then Docent again.
	held, err := lock.NewMutex(sm, "/shared/lock", lock.ID("docent-1")).Lock(within(t))
	require.NoError(t, err)
	look := func() *inspect.Report {
		r, err := inspect.Read(within(t), sm, "/")
		require.NoError(t, err)
		return r
	}
	second := a.Go("lock.acquire", "/shared/lock", ms)
	waiters(t, look, 1)
	third := b.Go("lock.acquire", "/shared/lock", "named", ms)
	waiters(t, look, 2)
	ctx, cancel := context.WithCancel(t.Context())
	last := make(chan *lock.Hold, 1)
	go func() {
		defer close(last)
		h, err := lock.NewMutex(sm, "/shared/lock", lock.ID("docent-2")).Lock(ctx)
		if err != nil {
			t.Error(err)
			return
		}
		last <- h
	}()
	t.Cleanup(func() {
		cancel()
		<-last
	})
	waiters(t, look, 3)

	java.Actor("b").Do("elect.latch", "/shared/leader", "java-1")
	require.Equal(t, "true", java.Actor("b").Do("elect.await", "/shared/leader", ms))
	java.Actor("b").Do("service.register", "/services", "shop", "java-1", "10.0.0.3", 8080, "none", "DYNAMIC", true)
	g, err := naming.NewRegistry(sm).Register(within(t), naming.Instance{Service: "shop", ID: "docent-1", Address: "10.0.0.1", Port: 80})
	require.NoError(t, err)
	require.Equal(t, "true", python.Actor("b").Do("lock.permit", "/kazoo/semaphore", 2, ms))
	require.Equal(t, "true", python.Actor("b").Do("elect.lead", "/kazoo/election", "python-1", ms))
	python.Actor("b").Do("group.join", "/kazoo/party", "python-1")
	python.Actor("b").Do("queue.lput", "/kazoo/queue", "mail", 100)
	for range 3 {
		_, err = config.NewStore(sm, "/config").History(5).Put(within(t), "limits", []byte("on"))
		require.NoError(t, err)
	}

	_, url := serve(t, e.ConnectString())
	page := open(t, false)
	page.visit(url + "#recipes")
	for _, words := range []string{"held by docent-1, 3 wait", "java-1 leads", "2 instances", "1 permit of 2 taken", "1 member", "1 item",
		"version 2, 2 bytes, 3 values kept"} {
		page.sees("#list", words)
	}
	page.shot("all")
	page.press("/", "shared/lock", enter)
	page.sees("#detail .owner.holds", "docent-1")
	page.shot("line")
	require.NoError(t, held.Release())
	require.Equal(t, "true", second.Get())
	page.sees("#detail .owner.holds", "127.0.") // the data of Curator's node
	a.Do("lock.release", "/shared/lock")
	require.Equal(t, "true", third.Get())
	page.sees("#detail .owner.holds", "kazoo")
	page.shot("line-kazoo")
	b.Do("lock.release", "/shared/lock", "named")
	h := <-last
	require.NotNil(t, h)
	page.sees("#detail .owner.holds", "docent-2")

	page.press("/", "shop", enter)
	page.sees("#detail", "10.0.0.3:8080")
	require.NoError(t, g.Drain(within(t)))
	page.sees("#detail .owner.down", "draining")

	page.press("/", "kazoo/election", enter)
	page.sees("#detail .owner.holds", "python-1")
	page.sees("#detail .note", "the holder may be a leader")
	require.NotContains(t, run[string](page, "return document.body.innerText"), "[object")

	light := run[string](page, "return getComputedStyle(document.body).backgroundColor")
	page.darken()
	require.NotEqual(t, light, run[string](page, "return getComputedStyle(document.body).backgroundColor"))
	page.press("/", "semaphore", enter)
	page.sees("#detail .owner.holds", "has a permit")
	page.shot("dark-semaphore")
	page.press("/", "limits", enter)
	page.sees("#detail", "3 values")
	page.shot("dark-config")
}

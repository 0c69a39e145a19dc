//go:build unix

package ui

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/recipes_test/peers"
	"github.com/docent-go/docent/session"
)

func TestMain(m *testing.M) { ensemble.Main(m, peers.Clean) }

func within(t *testing.T) context.Context { return ensemble.Within(t, patience) }

// timeout is the session timeout here. No test is about the end of sessions,
// and a starting browser can occupy the machine for long.
const timeout = time.Minute

// start starts servers that grant that timeout.
func start(t *testing.T, n int) *ensemble.Ensemble {
	t.Helper()
	return ensemble.Start(t, n)
}

func dial(t *testing.T, e *ensemble.Ensemble) *session.Manager {
	t.Helper()
	sm, err := session.Dial(within(t), session.Config{Servers: e.Addrs(), Timeout: timeout})
	require.NoError(t, err)
	t.Cleanup(func() { _ = sm.Close() })
	return sm
}

// serve starts docent ui and returns the address to look.
func serve(t *testing.T, servers string, args ...string) (*ensemble.Cmd, string) {
	t.Helper()
	cmd := ensemble.Run(t, nil, append([]string{"--servers", servers, "ui", "--listen", "127.0.0.1:0"}, args...)...)
	return cmd, strings.TrimPrefix(cmd.WaitLine("^listening on ", patience).Text, "listening on ")
}

// serveActions starts docent ui with actions, and returns the addresses to look
// and to act.
func serveActions(t *testing.T, servers string, args ...string) (cmd *ensemble.Cmd, look, act string) {
	t.Helper()
	cmd, look = serve(t, servers, append(args, "--allow-actions")...)
	return cmd, look, strings.TrimPrefix(cmd.WaitLine("^to act, open ", patience).Text, "to act, open ")
}

// The page follows a changing ensemble, can be searched, and can be used by
// keyboard alone. An action is confirmed, done and logged.
func TestPage(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := start(t, 3)
	ann, ben := dial(t, e), dial(t, e)
	held, err := lock.NewMutex(ann, "/locks/orders", lock.ID("ann")).Lock(within(t))
	require.NoError(t, err)
	next := make(chan *lock.Hold, 1)
	go func() {
		h, err := lock.NewMutex(ben, "/locks/orders", lock.ID("ben")).Lock(within(t))
		if err != nil {
			t.Error(err)
		}
		next <- h
	}()
	_, err = naming.NewRegistry(ann).Register(within(t), naming.Instance{Service: "shop", ID: "shop-1", Address: "10.0.0.1", Port: 80})
	require.NoError(t, err)
	_, err = naming.NewRegistry(ben).Register(within(t), naming.Instance{Service: "shop", ID: "shop-2", Address: "10.0.0.2", Port: 80})
	require.NoError(t, err)
	_, err = queue.New(ann, "/queues/mail").Put(within(t), []byte("<script>alert(1)</script>"))
	require.NoError(t, err)
	_, err = ann.Create(within(t), "/locks/<img src=x onerror=document.title=1>", []byte("x"), session.Persistent)
	require.NoError(t, err)
	leading := campaign(t, ann, "first")
	campaign(t, ben, "second")

	cmd, look, act := serveActions(t, e.ConnectString())
	b := open(t, false)
	b.visit(act + "#recipes")
	b.sees("#state", "live")
	b.sees("#list", "/locks/orders")
	b.sees("#list", "held by ann, 1 waits")
	require.Regexp(t, `^(\(\d+\) )?docent$`, run[string](b, "return document.title"), "a node's name became markup")

	// By keyboard: search, open, and back to the list.
	b.press("/", "orders", enter)
	b.sees("#detail h2", "/locks/orders")
	b.sees("#detail .owner.holds", "ann")
	b.sees("#detail ol.line li:nth-child(2)", "ben")
	require.Equal(t, "detail", run[string](b, "return document.activeElement.id"))
	b.shot("lock")

	// The lock changes hands, and the page shows it without a reload.
	require.NoError(t, held.Release())
	h := <-next
	b.sees("#detail .owner.holds", "ben")
	b.sees("#list", "held by ben")

	b.press("/", "shop", enter)
	b.sees("#detail", "10.0.0.2:80")
	b.shot("service")
	run[any](b, `[...document.querySelectorAll("#detail .owner")].find((n) => n.innerText.includes("shop-1")).querySelector("button.act").click()`)
	b.sees("#confirm", "Drain shop-1?")
	b.shot("confirm")
	run[any](b, `document.getElementById("confirm-yes").click()`)
	b.sees("#detail .owner.down", "draining")
	require.Regexp(t, `what=drain address=127\.0\.0\.1 session=\w+ role=act path=/services/shop id=shop-1 draining=true outcome=done`, cmd.Stderr())

	b.press("/", "election", enter)
	b.sees("#detail .owner.holds", "first")
	run[any](b, `document.querySelector("#detail button.act").click()`)
	b.sees("#confirm", "Make second the leader?")
	run[any](b, `document.getElementById("confirm-yes").click()`)
	b.sees("#detail .owner.holds", "second")
	<-leading
	b.shot("election")

	// The page survives a killed server.
	e.Leader().Kill()
	require.NoError(t, h.Release())
	b.press("/", "orders", enter)
	b.sees("#list", "/locks/orders")

	dark := open(t, true)
	dark.visit(look + "#/services/shop")
	dark.sees("#detail", "10.0.0.2:80")
	require.Zero(t, run[float64](dark, `return document.querySelectorAll("#detail button.act").length`), "a viewer who may not act")
	require.NotEqual(t, run[string](b, "return getComputedStyle(document.body).backgroundColor"),
		run[string](dark, "return getComputedStyle(document.body).backgroundColor"))
	dark.shot("dark")
}

// campaign makes a candidate lead, or wait to lead. The channel is closed at
// the end of its first term.
func campaign(t *testing.T, sm *session.Manager, id string) <-chan struct{} {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended, done := make(chan struct{}), make(chan struct{})
	first := true
	go func() {
		defer close(done)
		_ = election.New(sm, "/leaders/scheduler", election.ID(id)).Run(ctx, func(ctx context.Context, _ *election.Term) error {
			<-ctx.Done()
			if first {
				first = false
				close(ended)
			}
			return nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	ensemble.Eventually(t, patience, id+" is a candidate", func() bool {
		all, err := election.New(sm, "/leaders/scheduler").Participants(within(t))
		if err != nil {
			return false
		}
		for _, p := range all {
			if p.ID == id {
				return true
			}
		}
		return false
	})
	return ended
}

package standing_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/internal/recipe/standing"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const path = "/services/a"

// kept is a node, and the states that its OnState was given.
type kept struct {
	*standing.Node
	w *testworld.World
	p *testworld.Process

	mu   sync.Mutex
	told []string
}

// open opens a node at path with the data v1, unless tweaks change that.
func open(p *testworld.Process, tweaks ...func(*standing.Config)) *kept {
	p.W.Helper()
	k, err := tryOpen(p.W.Context(), p, tweaks...)
	require.NoError(p.W, err)
	return k
}

func tryOpen(ctx context.Context, p *testworld.Process, tweaks ...func(*standing.Config)) (*kept, error) {
	k := &kept{w: p.W, p: p}
	cfg := standing.Config{Manager: p.Core(), Path: path, Data: []byte("v1"), OnState: k.onState}
	for _, tweak := range tweaks {
		tweak(&cfg)
	}
	var err error
	k.Node, err = standing.Open(ctx, cfg)
	return k, err
}

func (k *kept) onState(s *standing.State) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s.Standing() {
		k.told = append(k.told, "stands")
		return
	}
	k.told = append(k.told, s.Err.Error())
}

// take returns the states that OnState was given since the last take.
func (k *kept) take() []string {
	synctest.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	told := k.told
	k.told = nil
	return told
}

// stands waits until the node stands.
func (k *kept) stands() *standing.State {
	k.w.Helper()
	return k.await(func(s *standing.State) bool { return s.Standing() })
}

// awayFor waits until the node is away for the reason.
func (k *kept) awayFor(why error) *standing.State {
	k.w.Helper()
	return k.await(func(s *standing.State) bool { return !s.Standing() && errors.Is(s.Err, why) })
}

// expire ends the session in which the node stands, and waits until it stands
// in the next. The state between the two may be over before a test reads it,
// but OnState is given it.
func (k *kept) expire() {
	k.w.Helper()
	old := k.stands().Session
	k.take()
	k.p.Expire()
	k.await(func(s *standing.State) bool { return s.Standing() && s.Session != old })
	require.Equal(k.w, []string{session.ErrExpired.Error(), "stands"}, k.take())
}

func (k *kept) await(ok func(*standing.State) bool) *standing.State {
	k.w.Helper()
	ctx := k.w.Within(testworld.Patience)
	for {
		s := k.State()
		if ok(s) {
			return s
		}
		select {
		case <-s.Next():
		case <-ctx.Done():
			require.FailNow(k.w, "the state never came", fmt.Sprint(s))
		}
	}
}

func policy(c standing.Conflict) func(*standing.Config) {
	return func(cfg *standing.Config) { cfg.Conflict = c }
}

func data(d string) func(*standing.Config) {
	return func(cfg *standing.Config) { cfg.Data = []byte(d) }
}

func sequential(cfg *standing.Config) { cfg.Sequential = true }

// owner returns the session that owns the node at path.
func owner(w *testworld.World, path string) int64 {
	w.Helper()
	n, found := w.Srv.Node(path)
	require.True(w, found, "%s is missing", path)
	return n.Stat.EphemeralOwner
}

// exists reports whether there is a node at path.
func exists(w *testworld.World, path string) bool {
	synctest.Wait()
	_, found := w.Srv.Node(path)
	return found
}

// deletions returns how often a node at path was deleted so far.
func deletions(w *testworld.World, path string) int {
	synctest.Wait()
	n := 0
	for _, c := range w.Changes() {
		if c.Kind == zktest.Deleted && c.Path == path {
			n++
		}
	}
	return n
}

// is matches requests of the kind on the path of the node, also within a
// transaction.
func is(op zktest.Op) func(zktest.Request) bool {
	return func(r zktest.Request) bool {
		return r.Op == op && r.Path == path || slices.ContainsFunc(r.Ops, func(part zktest.Request) bool {
			return part.Op == op && part.Path == path
		})
	}
}

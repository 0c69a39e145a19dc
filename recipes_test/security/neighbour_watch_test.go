//go:build unix

package security

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// watching is what the program has open while its neighbour comes and goes. The
// iterators run in goroutines, which keep the newest element.
type watching struct {
	tree    *config.Tree[string]
	service *naming.Service

	mu     sync.Mutex
	group  string // the newest of groupmembership.Group.Changes
	report string // the newest of inspect.Changes
}

// watches writes what the program's open recipes show after each step of its
// neighbour. No server need report a step. So the program itself adds a znode
// to each directory after the step, and waits for what the table says.
func (s *neighbours) watches() {
	ctx, stop := context.WithCancel(s.t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	w := s.watch(ctx, &running)
	var registered *naming.Registration
	var joined *groupmembership.Membership
	const key, instance, member = "/watched/config/secret", "/watched/services/shop/two", "/watched/group/bob"
	come := func() {
		s.put(s.neighbour, key, "closed")
		s.put(s.neighbour, key+"/below", "closed")
		registered = s.register(s.neighbour, "/watched/services", "shop", "two")
		joined = s.join(s.neighbour, "/watched/group", "bob")
	}
	leave := func() {
		require.NoError(s.t, s.neighbour.Delete(within(s.t), key+"/below", session.AnyVersion))
		require.NoError(s.t, s.neighbour.Delete(within(s.t), key, session.AnyVersion))
		require.NoError(s.t, registered.Unregister(within(s.t)))
		require.NoError(s.t, joined.Leave(within(s.t)))
	}
	for i, step := range []struct {
		title string
		do    func()
	}{
		{"without a neighbour", func() {}},
		{"a neighbour comes", come},
		{"it writes", func() {
			_, err := s.neighbour.Set(within(s.t), key, []byte("again"), session.AnyVersion)
			require.NoError(s.t, err)
			require.NoError(s.t, registered.Drain(within(s.t)))
			require.NoError(s.t, joined.UpdatePayload(within(s.t), []byte("again")))
		}},
		{"its key gets a key below", func() { s.put(s.neighbour, key+"/below/more", "closed") }},
		{"that key goes", func() {
			require.NoError(s.t, s.neighbour.Delete(within(s.t), key+"/below/more", session.AnyVersion))
		}},
		{"it opens its znodes", func() { s.grant(session.WorldACL(session.PermAll), key, key+"/below", instance, member) }},
		{"it makes them again, closed", func() {
			leave()
			come()
		}},
		{"it leaves", leave},
	} {
		step.do()
		mark := fmt.Sprintf("mark%d", i)
		s.put(s.program, "/watched/config/"+mark, "open")
		s.register(s.program, "/watched/services", "shop", mark)
		s.join(s.program, "/watched/group", mark)
		title := "watched: " + step.title
		s.shows(title, s.shown(w, s.wanted(title)))
	}
	require.NoError(s.t, w.tree.Close())
	require.NoError(s.t, w.service.Close())
}

// shown waits until the recipes show what is wanted, and returns what they show.
func (s *neighbours) shown(w *watching, want string) string {
	if s.update {
		time.Sleep(12 * time.Second) // nothing says when all is seen
		return w.shows()
	}
	require.EventuallyWithT(s.t, func(c *assert.CollectT) { assert.Equal(c, want, w.shows()) }, patience, 10*time.Millisecond)
	return want
}

// grant replaces the ACLs of the neighbour's znodes.
func (s *neighbours) grant(acl []session.ACL, paths ...string) {
	owner, err := bridge.Core(s.neighbour).Session(within(s.t))
	require.NoError(s.t, err)
	for _, path := range paths {
		_, err := owner.SetACL(within(s.t), path, acl, session.AnyVersion)
		require.NoError(s.t, err)
	}
}

func (s *neighbours) watch(ctx context.Context, running *sync.WaitGroup) *watching {
	w := new(watching)
	var err error
	w.tree, err = config.OpenTree(within(s.t), s.program, "/watched/config", config.Text(), config.Default("default"))
	require.NoError(s.t, err)
	w.service, err = naming.NewRegistry(s.program, naming.Base("/watched/services")).Open(within(s.t), "shop")
	require.NoError(s.t, err)
	keep := func(at *string, text string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		*at = text
	}
	running.Go(func() {
		members, errs := "", make(map[string]bool) // an error is yielded once
		for change, err := range groupmembership.NewGroup(s.program, "/watched/group").Changes(ctx) {
			if err == nil {
				members = ofMembers(slices.Collect(change.Members()))
			} else {
				errs[said(err)] = true
			}
			keep(&w.group, members+"errors so far: "+named(slices.Collect(maps.Keys(errs))))
		}
	})
	running.Go(func() {
		for report, err := range inspect.Changes(ctx, s.program, "/watched", inspect.Every(100*time.Millisecond)) {
			if err != nil {
				keep(&w.report, said(err))
			} else {
				keep(&w.report, ofReport(report))
			}
		}
	})
	return w
}

func (w *watching) shows() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return settled(strings.Join([]string{"-- tree", ofTree(w.tree), "-- service", ofService(w.service), "-- group", w.group, "-- inspect", w.report}, "\n"))
}

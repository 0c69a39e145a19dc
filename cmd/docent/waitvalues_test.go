//go:build unix

package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// waitCase is a verb with --wait, and what another process has done before.
type waitCase struct {
	name   string
	line   string // WAIT is the flag, CMD a command that ends with code 0
	before func(t *testing.T, sm *session.Manager)
	free   bool // others do not keep the verb waiting
	busy   int  // the exit code if they do
	zero   int  // the exit code of --wait 0s
}

func waitCases() []waitCase {
	reads := func(t *testing.T, sm *session.Manager) {
		_, err := lock.NewRWMutex(sm, "/l").RLock(t.Context())
		require.NoError(t, err)
	}
	permit := func(t *testing.T, sm *session.Manager) {
		_, err := lock.NewSemaphore(sm, "/l", lock.Permits(2)).Acquire(t.Context(), 1)
		require.NoError(t, err)
	}
	member := func(t *testing.T, sm *session.Manager) {
		left := make(chan error, 1)
		go func() { // until the session is closed, at the latest
			visit, err := barrier.NewDouble(sm, "/b", 2).Enter(t.Context())
			if err == nil {
				err = visit.Leave(t.Context())
			}
			left <- err
		}()
		require.Eventually(t, func() bool {
			names, _, err := sm.Children(t.Context(), "/b")
			return err == nil && len(names) > 0
		}, patience, ms)
	}
	leads := func(t *testing.T, sm *session.Manager) {
		_, err := election.New(sm, "/e", election.ID("ann")).Campaign(t.Context())
		require.NoError(t, err)
	}
	return []waitCase{
		{name: "a free lock", line: "lock /l WAIT CMD", free: true},
		{name: "a held lock", line: "lock /l WAIT CMD", busy: 75, zero: 75, before: func(t *testing.T, sm *session.Manager) {
			_, err := lock.NewMutex(sm, "/l").Lock(t.Context())
			require.NoError(t, err)
		}},
		{name: "a free one-node lock", line: "lock /l --mode one-node WAIT CMD", free: true},
		{name: "readers beside a reader", line: "lock /l --mode read WAIT CMD", free: true, before: reads},
		{name: "a writer after a reader", line: "lock /l --mode write WAIT CMD", busy: 75, zero: 75, before: reads},
		{name: "one of two permits", line: "lock /l --permits 2 WAIT CMD", free: true, before: permit},
		{name: "a due job", line: "once /j --every 1h --skipped-code 9 WAIT CMD", free: true},
		{name: "a job that runs", line: "once /j --every 1h --skipped-code 9 WAIT CMD", busy: 9, zero: 9, before: func(t *testing.T, sm *session.Manager) {
			_, err := lock.NewOnce(sm, "/j", time.Hour).Start(t.Context())
			require.NoError(t, err)
		}},
		{name: "a gate that was never set", line: "barrier wait /g WAIT", free: true},
		{name: "a gate that is set", line: "barrier wait /g WAIT", busy: 75, zero: 75, before: func(t *testing.T, sm *session.Manager) {
			require.NoError(t, barrier.New(sm, "/g").Set(t.Context()))
		}},
		{name: "a gate that was lifted", line: "barrier wait /g WAIT", free: true, before: func(t *testing.T, sm *session.Manager) {
			require.NoError(t, barrier.New(sm, "/g").Set(t.Context()))
			require.NoError(t, barrier.New(sm, "/g").Lift(t.Context()))
		}},
		{name: "a rendezvous of one", line: "barrier enter /b --count 1 WAIT CMD", free: true},
		{name: "a rendezvous of two, alone", line: "barrier enter /b --count 2 WAIT CMD", busy: 75, zero: 75},
		{name: "a rendezvous of two, the last", line: "barrier enter /b --count 2 WAIT CMD", free: true, before: member},
		{name: "an item", line: "queue take /q WAIT", free: true, before: func(t *testing.T, sm *session.Manager) {
			_, err := queue.New(sm, "/q").Put(t.Context(), []byte("work"))
			require.NoError(t, err)
		}},
		{name: "no item", line: "queue take /q WAIT", busy: 75, zero: 75},
		{name: "a holder that stays", line: "revoke /l WAIT", busy: 75, zero: 75, before: func(t *testing.T, sm *session.Manager) {
			_, err := lock.NewMutex(sm, "/l").Lock(t.Context())
			require.NoError(t, err)
		}},
		{name: "a leader that leads already", line: "leader /e --transfer ann WAIT", free: true, zero: 2, before: leads},
		{name: "a leader that stays", line: "leader /e --transfer ben WAIT", busy: 75, zero: 2, before: func(t *testing.T, sm *session.Manager) {
			leads(t, sm)
			ben := make(chan error, 1)
			go func() { _, err := election.New(sm, "/e", election.ID("ben")).Campaign(t.Context()); ben <- err }()
			require.Eventually(t, func() bool {
				names, _, err := sm.Children(t.Context(), "/e")
				return err == nil && len(names) == 2
			}, patience, ms)
		}},
	}
}

// A value of --wait has one meaning in every verb that has the flag: how long
// to wait for others. Nothing is late if no other client is in the way, however
// short the wait. Zero looks once, and a negative value is wrong.
func TestWait_everyVerbAndValue(t *testing.T) {
	for _, c := range waitCases() {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			for wait, code := range map[string]int{"0s": c.zero, "1ns": c.busy, "20ms": c.busy, "-1s": 2, "30": 2} {
				server := zktest.New(t)
				if c.before != nil {
					sm, err := session.Dial(t.Context(), session.Config{Servers: []string{"zk1"}, Dialer: server.DialContext})
					require.NoError(t, err)
					defer sm.Close()
					c.before(t, sm)
				}
				args := []string{}
				for _, word := range strings.Fields(c.line) {
					switch word {
					case "WAIT":
						args = append(args, "--wait="+wait)
					case "CMD":
						args = append(args, self("0")...)
					default:
						args = append(args, word)
					}
				}
				got, _, stderr := docent(t, args, on(server), role("exit"))
				require.Equal(t, code, got, "%v: %s", args, stderr)
				if code == 75 {
					require.Regexp(t, `^docent: [^\n]+ \S+[^\n]*: [^\n]+; [^\n]+\n$`, stderr, "what, why and what to do, in a line")
				}
			}
		})
	}
}

// No verb with --wait is missing in the cases.
func TestWait_casesAreComplete(t *testing.T) {
	parser, err := kong.New(new(grammar), append(decoders(), kong.Name("docent"))...)
	require.NoError(t, err)
	for _, leaf := range parser.Model.Leaves(true) {
		waits := slices.ContainsFunc(leaf.Flags, func(flag *kong.Flag) bool { return flag.Name == "wait" })
		covers := func(c waitCase) bool { return strings.HasPrefix(c.line, strings.Join(verb(leaf), " ")+" ") }
		require.Equal(t, waits, slices.ContainsFunc(waitCases(), covers), leaf.FullPath())
	}
}

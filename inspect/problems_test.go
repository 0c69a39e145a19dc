package inspect

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// noon is when the reports of these tests were taken.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// ago makes an owner whose znode was created before noon.
func ago(d time.Duration, id string, s session.ID) Owner {
	return Owner{Owner: session.Owner{ID: id, Session: s, Since: noon.Add(-d), Token: int64(s), Path: "/x/" + id}}
}

func headed(kind Kind, path string) Header { return Header{Kind: kind, Path: path} }

func reportOf(all ...Finding) *Report { return &Report{Path: "/", Taken: noon, Findings: all} }

// lines writes one line for each problem.
func lines(all []Problem) string {
	var b strings.Builder
	for _, p := range all {
		since := "?"
		if !p.Since.IsZero() {
			since = noon.Sub(p.Since).String()
		}
		fmt.Fprintf(&b, "%s, %s, %s, %s: %s %v %v\n", p.Severity, p.Kind, p.Path, since, p.Text, p.Sessions, p.Command)
	}
	return b.String()
}

func TestProblems_locks(t *testing.T) {
	ann, ben, cat := ago(2*time.Hour, "ann", 1), ago(20*time.Minute, "ben", 2), ago(time.Minute, "cat", 3)
	cases := []struct {
		name string
		f    Finding
		want string
	}{
		{"free", &Lock{Header: headed(KindLock, "/l")}, ""},
		{"young", &Lock{Header: headed(KindLock, "/l"), Holder: &cat, Waiters: []Owner{cat}}, ""},
		{"held", &Lock{Header: headed(KindLock, "/l"), Holder: &ann},
			"notice, held for long, /l, 2h0m0s: ann holds it, or waited before [0x1] [revoke /x/ann]\n"},
		{"held, and one waits", &Lock{Header: headed(KindLock, "/l"), Holder: &ann, Waiters: []Owner{cat}},
			"warning, held for long, /l, 2h0m0s: ann holds it, or waited before, and 1 waits [0x1 0x3] [revoke /x/ann]\n"},
		{"waited", &Lock{Header: headed(KindLock, "/l"), Holder: &ann, Waiters: []Owner{ben, cat}},
			"warning, waited for long, /l, 20m0s: 2 wait, ben for the longest time; ann holds it [0x1 0x2 0x3] [revoke /x/ann]\n"},
		{"election of others", &Lock{Header: headed(KindLock, "/l"), Holder: &ann, Waiters: []Owner{ben}, MayBeElection: true}, ""},
		{"readers", &RWLock{Header: headed(KindRWLock, "/l"), Holders: []Owner{ann, ben}, Waiters: []Owner{cat}},
			"warning, held for long, /l, 2h0m0s: ann and 1 more hold it, or waited before, and 1 waits [0x1 0x2 0x3] [revoke /x/ann]\n"},
		{"permits", &Semaphore{Header: headed(KindSemaphore, "/l"), Holders: []Owner{cat}, Waiters: []Owner{ben}},
			"warning, waited for long, /l, 20m0s: ben has waited for long; cat holds it [0x3 0x2] []\n"},
		{"election", &Election{Header: headed(KindElection, "/l"), Leader: &ann, Candidates: []Owner{ben}}, ""},
		{"gate", &Barrier{Header: headed(KindBarrier, "/g"), SetBy: ann},
			"notice, held for long, /g, 2h0m0s: the gate, closed by ann, is still closed [] [barrier lift /g]\n"},
	}
	for _, c := range cases {
		require.Equal(t, c.want, lines(Problems(reportOf(c.f), ProblemOptions{})), c.name)
	}
	young := reportOf(&Lock{Header: headed(KindLock, "/l"), Holder: &cat, Waiters: []Owner{cat}})
	require.Contains(t, lines(Problems(young, ProblemOptions{Waited: time.Minute})), "waited for long")
	require.Contains(t, lines(Problems(young, ProblemOptions{At: noon.Add(time.Hour)})), "waited for long", "time has passed since")
	require.NotContains(t, lines(Problems(young, ProblemOptions{At: noon.Add(-time.Hour)})), "waited for long")
	unknown := &Lock{Header: headed(KindLock, "/l"), Holder: &Owner{Owner: session.Owner{Hidden: true}}}
	require.Empty(t, Problems(reportOf(unknown), ProblemOptions{}), "an age that is not known is not old")
}

func TestProblems_abandoned(t *testing.T) {
	old := ago(time.Hour, "old", 0)
	f := &Lock{Header: headed(KindLock, "/l"), Holder: &old}
	f.Abandoned = []Mark{{old.Path, reasonNoSession}}
	want := "abandoned, /l, 1h0m0s: /x/old looks abandoned: " + reasonNoSession + " [] [remove /x/old]\n"
	o := ProblemOptions{Held: 24 * time.Hour}
	require.Equal(t, "warning, "+want, lines(Problems(reportOf(f), o)))
	f.Waiters = []Owner{ago(time.Second, "next", 1)}
	require.Equal(t, "critical, "+want, lines(Problems(reportOf(f), o)))
}

func TestProblems_queues(t *testing.T) {
	length := func(n int) *Queue { return &Queue{Header: headed(KindQueue, "/q"), Length: n} }
	before := reportOf(length(10))
	before.Taken = noon.Add(-time.Minute)
	require.Empty(t, Problems(reportOf(length(1000)), ProblemOptions{}), "two reports are needed")
	require.Empty(t, Problems(reportOf(length(109)), ProblemOptions{Earlier: before}))
	require.Equal(t, "warning, growing queue, /q, 1m0s: the queue has 110 items, 100 more than before; no consumer has claimed one [] []\n",
		lines(Problems(reportOf(length(110)), ProblemOptions{Earlier: before})))
	taken := length(20)
	taken.Claims = []ItemClaim{{"item", ago(0, "c", 1)}}
	require.Equal(t, "warning, growing queue, /q, 1m0s: the queue has 20 items, 10 more than before [] []\n",
		lines(Problems(reportOf(taken), ProblemOptions{Earlier: before, Growth: 10})))
	require.Empty(t, Problems(reportOf(&Plain{Header: headed(KindPlain, "/q")}), ProblemOptions{Earlier: before}))
	dead := length(0)
	dead.Dead = 3
	require.Equal(t, "warning, dead letters, /q, ?: the queue has 3 dead letters [] [queue dead redrive /q]\n",
		lines(Problems(reportOf(dead), ProblemOptions{})))
}

func TestProblems_services(t *testing.T) {
	in := func(change func(*Instance)) Instance {
		i := Instance{Owner: ago(time.Hour, "shop-1", 1)}
		change(&i)
		return i
	}
	up := in(func(*Instance) {})
	drains, off := in(func(i *Instance) { i.Draining = true }), in(func(i *Instance) { i.Disabled = true })
	hidden := in(func(i *Instance) { i.Hidden = true })
	service := func(all ...Instance) *Service {
		return &Service{Header: headed(KindService, "/services/shop"), Name: "shop", Instances: all}
	}
	none := "critical, no instance, /services/shop, ?: "
	for _, c := range []struct {
		f    *Service
		want string
	}{
		{service(up, drains), ""},
		{service(drains, hidden), ""},
		{service(), none + "the service has no instance [] []\n"},
		{service(drains), none + "clients choose no instance: the only one is draining [] [service drain shop shop-1 --undo]\n"},
		{service(drains, off), none + "clients choose no instance: all 2 are draining or disabled [] []\n"},
		{service(off, off), none + "clients choose no instance: all 2 are disabled [] []\n"},
	} {
		require.Equal(t, c.want, lines(Problems(reportOf(c.f), ProblemOptions{})))
	}
	elsewhere := service(drains)
	elsewhere.Path, elsewhere.Layouts = "/shop", []Layout{Spring}
	require.Equal(t, []string{"service", "drain", "shop", "shop-1", "--undo", "--base", "/", "--layout", "spring"},
		Problems(reportOf(elsewhere), ProblemOptions{})[0].Command)

	before := reportOf(service(up))
	before.Taken = noon.Add(-time.Minute)
	o := ProblemOptions{Earlier: before}
	gone := "critical, no instance, /services/shop, 1m0s: the service has no instance; it had 1 [] []\n"
	empty := &Plain{Header: headed(KindPlain, "/services/shop")}
	require.Equal(t, gone, lines(Problems(reportOf(), o)))
	require.Equal(t, gone, lines(Problems(reportOf(empty), o)))
	require.Empty(t, Problems(reportOf(service(up)), o))
	web := service(up)
	web.Path = "/services/web"
	require.Equal(t, gone, lines(Problems(reportOf(empty, web), o)), "it is told once")
	require.Contains(t, lines(Problems(reportOf(empty, web), ProblemOptions{})), "warning, no instance, /services/shop, ?: the directory is empty")
	for _, unread := range []Finding{
		&Omitted{Header: headed(KindOmitted, "/services"), Nodes: 1}, &Hidden{Header: headed(KindHidden, "/services/shop"), What: hiddenChildren},
	} {
		require.NotContains(t, lines(Problems(reportOf(unread), o)), "no instance", "what was not read is not gone")
	}
}

func TestProblems_others(t *testing.T) {
	by := ago(time.Hour, "ann", 1)
	require.Equal(t, "warning, job, /j, 1h0m0s: the newest run, by ann, was lost: its process has died, or has lost its session [] []\n",
		lines(Problems(reportOf(&Job{Header: headed(KindJob, "/j"), State: JobLost, By: &by}), ProblemOptions{})))
	require.Contains(t, lines(Problems(reportOf(&Job{Header: headed(KindJob, "/j"), State: JobFailed, By: &by, Ended: noon}), ProblemOptions{})), "has failed")
	require.Empty(t, Problems(reportOf(&Job{Header: headed(KindJob, "/j"), State: JobDone, By: &by}), ProblemOptions{}))

	parts := func(members, claims int) *Partitioner {
		return &Partitioner{Header: headed(KindPartitioner, "/p"), Partitions: 4, Members: make([]Owner, members), Claims: make([]Claim, claims)}
	}
	before := reportOf(parts(2, 3))
	require.Empty(t, Problems(reportOf(parts(2, 3)), ProblemOptions{}), "members may be about to take it")
	require.Equal(t, "warning, partitions, /p, 0s: 2 of 4 partitions are without an owner [] []\n", lines(Problems(reportOf(parts(2, 2)), ProblemOptions{Earlier: before})))
	require.Empty(t, Problems(reportOf(parts(2, 4)), ProblemOptions{Earlier: before}))
	require.Equal(t, "critical, partitions, /p, ?: no member is there: no partition has an owner [] []\n", lines(Problems(reportOf(parts(0, 0)), ProblemOptions{})))

	asked := ago(time.Minute, "", 1)
	asked.Revoked = true
	l := &Lock{Header: headed(KindLock, "/l"), Holder: &asked}
	require.Empty(t, Problems(reportOf(l), ProblemOptions{}))
	require.Equal(t, "warning, not released, /l, 0s: the holder was asked to release it, and still holds it [0x1] []\n",
		lines(Problems(reportOf(l), ProblemOptions{Earlier: reportOf(l)})))

	r := reportOf(&Hidden{Header: headed(KindHidden, "/a"), What: hiddenData}, &Hidden{Header: headed(KindHidden, "/b"), What: hiddenData},
		&Omitted{Header: headed(KindOmitted, "/c"), Nodes: 7})
	require.Equal(t, "notice, hidden, /a, ?: ACLs hide something of 2 znodes; there may be problems in it [] [acl check /a]\n"+
		"notice, not read, /c, ?: 7 znodes were left out; there may be problems in them [] [inspect --problems /c]\n", lines(Problems(r, ProblemOptions{})))
	r = reportOf()
	r.LeftOut = session.LeftOut{Znodes: 1, First: []string{"/big"}}
	require.Contains(t, lines(Problems(r, ProblemOptions{})), "not read, /big, ?: 1 znode was left out")
}

// A session that waits while others wait for it is told once, unless it is part
// of a deadlock.
func TestProblems_stuckSession(t *testing.T) {
	ann, ben := ago(time.Hour, "ann", 1), ago(30*time.Minute, "ben", 2)
	annWaits, benWaits := ago(20*time.Minute, "ann", 1), ago(time.Minute, "ben", 2)
	r := reportOf(
		&Lock{Header: headed(KindLock, "/a"), Holder: &ann, Waiters: []Owner{benWaits}},
		&Lock{Header: headed(KindLock, "/b"), Holder: &ben, Waiters: []Owner{annWaits}},
	)
	stuck := "warning, stuck session, /b, 20m0s: ann waits here, and 1 waits for it, the last at /a [0x1] []\n"
	o := ProblemOptions{Held: 24 * time.Hour}
	require.Contains(t, lines(Problems(r, o)), stuck)
	o.Deadlocks = []Deadlock{{Cycle: []Wait{{Lock: "/b", Kind: KindLock, Waiter: annWaits, Holder: ben}, {Lock: "/a", Kind: KindLock, Waiter: benWaits, Holder: ann}}, Since: noon}}
	text := lines(Problems(r, o))
	require.NotContains(t, text, "stuck")
	require.Len(t, Problems(r, ProblemOptions{Deadlocks: o.Deadlocks}), 1, "the waits are part of the deadlock")
	require.Equal(t, []string{"/a"}, Problems(r, o)[0].Others)
	require.True(t, strings.HasPrefix(text, "critical, deadlock, /b, 0s: ann waits for ben at /b, and ben waits for ann at /a: none of them can go on [0x1 0x2] [revoke /x/ben]\n"), text)
}

// Urgent problems come first, then old ones, and those whose age is not known
// before them.
func TestProblems_order(t *testing.T) {
	ann, ben := ago(2*time.Hour, "ann", 1), ago(3*time.Hour, "ben", 2)
	dead := &Queue{Header: headed(KindQueue, "/q"), Dead: 1}
	got := Problems(reportOf(&Lock{Header: headed(KindLock, "/1"), Holder: &ann}, &Lock{Header: headed(KindLock, "/2"), Holder: &ben}, dead,
		&Service{Header: headed(KindService, "/s")}), ProblemOptions{})
	var paths []string
	for _, p := range got {
		paths = append(paths, p.Path)
	}
	require.Equal(t, []string{"/s", "/q", "/2", "/1"}, paths)
}

func TestProblems_json(t *testing.T) {
	p := Problem{Kind: ProblemDeadLetters, Severity: Warning, Path: "/q", Recipe: KindQueue, Text: "t", Sessions: []session.ID{0xab}, Command: []string{"queue"}}
	data, err := json.Marshal(p)
	require.NoError(t, err)
	require.JSONEq(t, `{"kind":"dead letters","severity":"warning","path":"/q","recipe":"queue","text":"t","sessions":["0xab"],"command":["queue"]}`, string(data))
}

// Two reports show what two reads show: a cycle that both have.
func TestDeadlocksBetween(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b, watcher := w.Process(), w.Process(), w.Process()
		look := func() *Report {
			r, err := Read(w.Context(), watcher.Manager, "/")
			require.NoError(w, err)
			return r
		}
		held(w, a, "/l/1", "a")
		held(w, b, "/l/2", "b")
		lockWaiting(w, a, "/l/2", "a")
		before := look()
		lockWaiting(w, b, "/l/1", "b")
		now := look()
		require.Empty(w, DeadlocksBetween(before, now).Deadlocks)
		found := DeadlocksBetween(now, look())
		require.True(w, found.Complete())
		require.Len(w, found.Deadlocks, 1)
		require.Equal(w, found.Deadlocks, DeadlocksBetween(now, now).Deadlocks)
		problems := Problems(now, ProblemOptions{Deadlocks: found.Deadlocks})
		require.Len(w, problems, 1)
		require.Equal(w, ProblemDeadlock, problems[0].Kind)
	})
}

package ui

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/session"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func header(kind inspect.Kind, path string) inspect.Header {
	return inspect.Header{Kind: kind, Path: path}
}

func owner(id string, s session.ID) inspect.Owner {
	return inspect.Owner{Owner: session.Owner{ID: id, Session: s, Since: noon, Token: int64(s), Path: "/x/" + id}}
}

// report is a report that was taken some time after noon.
func report(after time.Duration, all ...inspect.Finding) *inspect.Report {
	return &inspect.Report{Path: "/", Taken: noon.Add(after), Findings: all}
}

func lockOf(path string, holder inspect.Owner, waiters ...inspect.Owner) *inspect.Lock {
	return &inspect.Lock{Header: header(inspect.KindLock, path), Holder: &holder, Waiters: waiters}
}

// A cycle is a deadlock once two reports, or a confirmation, show that it
// lasts.
func TestWatchDeadlocks(t *testing.T) {
	a, b := owner("a", 1), owner("b", 2)
	ring := []inspect.Finding{lockOf("/1", a, b), lockOf("/2", b, a)}
	w := newWatch(inspect.ProblemOptions{})
	require.Empty(t, w.see(report(0, ring...)))
	require.Empty(t, w.see(report(time.Second, ring...)))
	found := w.see(report(2*time.Second, ring...))
	require.Len(t, found, 1)
	require.Equal(t, inspect.ProblemDeadlock, found[0].Kind)
	require.Equal(t, noon.Add(2*time.Second), found[0].Seen)
	require.Equal(t, noon.Add(2*time.Second), w.problems(noon.Add(time.Minute))[0].Seen, "it was found then")

	w = newWatch(inspect.ProblemOptions{})
	require.Empty(t, w.see(report(0, ring...)))
	require.Len(t, w.problems(noon.Add(5*time.Second)), 1, "the one report was true for so long")

	// Reports that follow each other closely do not hide it.
	w = newWatch(inspect.ProblemOptions{})
	for i := range 20 {
		found = w.see(report(time.Duration(i)*250*time.Millisecond, ring...))
	}
	require.Len(t, found, 1)
}

// Time makes problems, without a change of the tree.
func TestWatchTimePasses(t *testing.T) {
	a, b := owner("a", 1), owner("b", 2)
	w := newWatch(inspect.ProblemOptions{Waited: time.Minute})
	require.Empty(t, w.see(report(time.Second, lockOf("/1", a, b))))
	require.Empty(t, w.problems(noon.Add(59*time.Second)))
	found := w.problems(noon.Add(time.Minute))
	require.Len(t, found, 1)
	require.Equal(t, inspect.ProblemWaited, found[0].Kind)
}

// A service that has lost its last instance stays a problem for an hour, with
// the time at which it had instances last.
func TestWatchLostService(t *testing.T) {
	service := &inspect.Service{Header: header(inspect.KindService, "/services/shop"), Name: "shop", Instances: []inspect.Instance{{Owner: owner("shop-1", 1)}}}
	w := newWatch(inspect.ProblemOptions{})
	require.Empty(t, w.see(report(0, service)))
	require.Empty(t, w.problems(noon.Add(10*time.Second)))
	for _, after := range []time.Duration{20 * time.Second, time.Minute, 5 * time.Minute, 59 * time.Minute} {
		found := w.see(report(after))
		require.Len(t, found, 1, after)
		require.Equal(t, inspect.ProblemNoInstance, found[0].Kind)
		require.Equal(t, noon.Add(10*time.Second), found[0].Since)
	}
	w.see(report(62 * time.Minute))
	require.Empty(t, w.see(report(63*time.Minute)))
	require.LessOrEqual(t, len(w.sampled), samples)
	require.LessOrEqual(t, len(w.recent), 2)
}

func TestTimeline(t *testing.T) {
	ann, ben := owner("ann", 1), owner("ben", 2)
	tl := newTimeline()
	require.Empty(t, tl.of("").Spells)
	tl.see(report(0, lockOf("/l", ann)))
	tl.confirm(noon.Add(5 * time.Second))
	tl.see(report(10*time.Second, lockOf("/l", ben), lockOf("/quiet", ann)))
	tl.confirm(noon.Add(15 * time.Second))

	got := tl.of("/l")
	require.Equal(t, noon.Add(15*time.Second), got.To)
	require.Equal(t, []interval{{noon, noon.Add(15 * time.Second)}}, got.Watched)
	require.Len(t, got.Spells, 2)
	require.Equal(t, "ann", got.Spells[0].ID)
	require.True(t, got.Spells[0].Before, "it held before the page looked")
	require.False(t, got.Spells[0].Holds)
	require.Equal(t, interval{noon, noon.Add(10 * time.Second)}, got.Spells[0].interval)
	require.Equal(t, "ben", got.Spells[1].ID)
	require.True(t, got.Spells[1].Holds)
	require.False(t, got.Spells[1].Before)
	require.Equal(t, interval{noon.Add(10 * time.Second), noon.Add(15 * time.Second)}, got.Spells[1].interval)
	for _, s := range tl.of("").Spells {
		require.Equal(t, "/l", s.Path, "the other has not changed hands")
	}

	// Nothing is known of a time in which no quorum answered: a hold that went
	// meanwhile is not drawn into it, and one that is still there is.
	tl.interrupt()
	tl.confirm(noon.Add(time.Minute))
	require.Equal(t, noon.Add(15*time.Second), tl.of("/l").To)
	tl.see(report(2*time.Minute, lockOf("/quiet", ann)))
	got = tl.of("/l")
	require.Equal(t, noon.Add(15*time.Second), got.Spells[1].To)
	require.Len(t, got.Watched, 2)
	require.Equal(t, interval{noon.Add(10 * time.Second), noon.Add(2 * time.Minute)}, tl.of("/quiet").Spells[0].interval)

	// What is old is forgotten, and the rest is bounded.
	tl.see(report(30*time.Minute, lockOf("/l", ben)))
	require.Len(t, tl.of("/l").Spells, 1)
	for i := range timelineSpans + 100 {
		tl.see(report(30*time.Minute+time.Duration(i)*time.Millisecond, lockOf("/l", owner("x", session.ID(i+10)))))
	}
	require.LessOrEqual(t, len(tl.closed), timelineSpans)
}

// Without a path, the timeline has the paths that changed hands last.
func TestTimelineLanes(t *testing.T) {
	tl := newTimeline()
	for i := range maxLanes + 5 {
		path := "/l/" + string(rune('a'+i))
		tl.see(report(time.Duration(2*i)*time.Second, lockOf(path, owner("x", session.ID(i+1)))))
		tl.see(report(time.Duration(2*i+1) * time.Second))
	}
	got := tl.of("")
	require.Len(t, got.Spells, maxLanes)
	require.Equal(t, 5, got.Left)
	require.Equal(t, "/l/"+string(rune('a'+5)), got.Spells[0].Path)
}

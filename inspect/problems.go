package inspect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/session"
)

// Problems lists what an operator must look at in a report: the most urgent
// first, then the oldest. A recipe can have several problems.
//
// Problems reads nothing, and does not change the report. It panics for a nil
// Report. It is safe for concurrent use.
func Problems(r *Report, o ProblemOptions) []Problem {
	r.mustExist()
	p := &problems{r: r, o: o, earlier: make(map[string]Finding), cyclic: make(map[string]bool)}
	p.o.At = laterOf(o.At, r.Taken)
	if p.o.Held <= 0 {
		p.o.Held = DefaultHeld
	}
	if p.o.Waited <= 0 {
		p.o.Waited = DefaultWaited
	}
	if p.o.Growth <= 0 {
		p.o.Growth = DefaultGrowth
	}
	if o.Earlier != nil {
		for _, f := range o.Earlier.Findings {
			p.earlier[f.Head().Path] = f
		}
	}
	for _, d := range o.Deadlocks {
		p.deadlock(d)
	}
	for _, f := range r.Findings {
		p.abandoned(f)
		p.recipe(f)
	}
	p.lostServices()
	p.stuckSessions()
	p.unread()
	slices.SortStableFunc(p.all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(rank(a.Severity), rank(b.Severity)), a.Since.Compare(b.Since), strings.Compare(a.Path, b.Path))
	})
	return p.all
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func rank(s Severity) int { return slices.Index([]Severity{Critical, Warning, Notice}, s) }

// problems is the state of one Problems.
type problems struct {
	r       *Report
	o       ProblemOptions
	earlier map[string]Finding // of the earlier report, by path
	cyclic  map[string]bool    // the paths of deadlocks
	all     []Problem
}

func (p *problems) add(one Problem) {
	one.Sessions = one.Sessions[:min(len(one.Sessions), MaxProblemSessions)]
	p.all = append(p.all, one)
}

// old reports whether a time is known, and longer ago than d.
func (p *problems) old(since time.Time, d time.Duration) bool {
	return !since.IsZero() && p.o.At.Sub(since) >= d
}

func (p *problems) deadlock(d Deadlock) {
	if len(d.Cycle) == 0 {
		return
	}
	var parts []string
	var sessions []session.ID
	for _, w := range d.Cycle {
		parts = append(parts, fmt.Sprintf("%s waits for %s at %s", nameOf(w.Waiter), nameOf(w.Holder), w.Lock))
		sessions = append(sessions, w.Waiter.Session)
	}
	text := strings.Join(parts, ", and ") + ": none of them can go on"
	if n := len(d.Behind); n > 0 {
		text += fmt.Sprintf("; %d more wait for them", n)
	}
	first := d.Cycle[0]
	p.cyclic[first.Lock] = true
	var others []string
	for _, w := range d.Cycle[1:] {
		if !p.cyclic[w.Lock] {
			others = append(others, w.Lock)
		}
		p.cyclic[w.Lock] = true
	}
	p.add(Problem{Kind: ProblemDeadlock, Severity: Critical, Path: first.Lock, Recipe: first.Kind, Others: others, Since: d.Since,
		Text: text, Sessions: sessions, Command: revoke(first.Holder)})
}

// abandoned adds the marks of a finding.
func (p *problems) abandoned(f Finding) {
	h := f.Head()
	waiting := 0
	since := make(map[string]time.Time)
	for o, role := range owners(f) {
		since[o.Path] = o.Since
		if role == waits {
			waiting++
		}
	}
	for _, m := range h.Abandoned {
		severity := Warning
		if waiting > 0 && h.Kind != KindElection { // a wait queue comes to a stop at such a znode
			severity = Critical
		}
		p.add(Problem{Kind: ProblemAbandoned, Severity: severity, Path: h.Path, Recipe: h.Kind, Since: since[m.Path],
			Text: fmt.Sprintf("%s looks abandoned: %s", m.Path, m.Reason), Command: []string{"remove", m.Path}})
	}
}

// recipe adds the problems of one finding.
func (p *problems) recipe(f Finding) {
	switch f := f.(type) {
	case *Lock:
		if !f.MayBeElection { // candidates wait for as long as the leader lives
			p.contended(f)
		}
	case *RWLock, *Semaphore:
		p.contended(f)
	case *Barrier:
		if p.old(f.SetBy.Since, p.o.Held) {
			p.add(Problem{Kind: ProblemHeld, Severity: Notice, Path: f.Path, Recipe: f.Kind, Since: f.SetBy.Since,
				Text: "the gate, closed by " + nameOf(f.SetBy) + ", is still closed", Command: []string{"barrier", "lift", f.Path}})
		}
	case *Queue:
		p.queue(f)
	case *Service:
		p.strays(f, "service")
		p.service(f)
	case *Job:
		p.strays(f, "job")
		p.job(f)
	case *Partitioner:
		p.strays(f, "partitioner")
		p.partitions(f)
	}
}

// strays adds the children that do not belong to a recipe. The report has them
// as findings of their own.
func (p *problems) strays(f Finding, recipe string) {
	h := f.Head()
	if h.Unrecognised == 0 {
		return
	}
	p.add(Problem{Kind: ProblemStray, Severity: Notice, Path: h.Path, Recipe: h.Kind,
		Text:    fmt.Sprintf("%s not belong to the %s", count(h.Unrecognised, "znode does", "znodes do"), recipe),
		Command: []string{"inspect", h.Path}})
}

// contended adds the problems of a lock, a read/write lock or a semaphore.
func (p *problems) contended(f Finding) {
	h := f.Head()
	var holders, waiters []Owner
	for o, role := range owners(f) {
		switch role {
		case holds:
			holders = append(holders, o)
		case waits:
			waiters = append(waiters, o)
		}
	}
	if len(holders) > 0 {
		p.notReleased(h, holders)
	}
	if p.cyclic[h.Path] {
		return // that it waits is part of the deadlock
	}
	command := func() []string {
		if h.Kind == KindSemaphore || len(holders) == 0 {
			return nil
		}
		return revoke(oldest(holders))
	}
	if longest := oldest(waiters); p.old(longest.Since, p.o.Waited) {
		text := fmt.Sprintf("%s has waited for long", nameOf(longest))
		if len(waiters) > 1 {
			text = fmt.Sprintf("%d wait, %s for the longest time", len(waiters), nameOf(longest))
		}
		if len(holders) > 0 {
			text += "; " + heldBy(holders)
		}
		p.add(Problem{Kind: ProblemWaited, Severity: Warning, Path: h.Path, Recipe: h.Kind, Since: longest.Since,
			Text: text, Sessions: sessionsOf(holders, waiters), Command: command()})
		return
	}
	if longest := oldest(holders); p.old(holdingSince(longest), p.o.Held) {
		text, severity := heldBy(holders), Notice
		if longest.HoldingSince.IsZero() {
			text += ", or waited before"
		}
		if len(waiters) > 0 {
			text, severity = fmt.Sprintf("%s, and %s", text, count(len(waiters), "waits", "wait")), Warning
		}
		p.add(Problem{Kind: ProblemHeld, Severity: severity, Path: h.Path, Recipe: h.Kind, Since: holdingSince(longest),
			Text: text, Sessions: sessionsOf(holders, waiters), Command: command()})
	}
}

// holdingSince is when the owner began to hold, or joined the wait queue if no
// znode tells.
func holdingSince(o Owner) time.Time {
	if o.HoldingSince.IsZero() {
		return o.Since
	}
	return o.HoldingSince
}

// notReleased adds a holder that was asked to release in both reports.
func (p *problems) notReleased(h *Header, holders []Owner) {
	was := p.earlier[h.Path]
	if was == nil {
		return
	}
	asked := make(map[string]bool)
	for o := range owners(was) {
		if o.Revoked {
			asked[fmt.Sprint(o.Path, o.Token)] = true
		}
	}
	for _, o := range holders {
		if o.Revoked && asked[fmt.Sprint(o.Path, o.Token)] {
			p.add(Problem{Kind: ProblemNotReleased, Severity: Warning, Path: h.Path, Recipe: h.Kind, Since: p.o.Earlier.Taken,
				Text: "the holder was asked to release it, and still holds it", Sessions: []session.ID{o.Session}})
		}
	}
}

// stuckSessions adds the sessions that others wait for, while they wait
// elsewhere. The sessions of deadlocks are known already.
func (p *problems) stuckSessions() {
	known := make(map[session.ID]bool)
	for _, d := range p.o.Deadlocks {
		for _, w := range d.Cycle {
			known[w.Waiter.Session] = true
		}
		for _, id := range d.Behind {
			known[id] = true
		}
	}
	blocks := make(map[session.ID]string) // the path of a recipe that the session holds and others wait for
	behind := make(map[session.ID]int)
	for _, f := range p.r.Findings {
		n := 0
		for _, role := range owners(f) {
			if role == waits {
				n++
			}
		}
		for o, role := range owners(f) {
			if role == holds && n > 0 && o.Session != 0 {
				behind[o.Session] += n
				blocks[o.Session] = f.Head().Path
			}
		}
	}
	for _, f := range p.r.Findings {
		h := f.Head()
		if l, lock := f.(*Lock); h.Kind == KindElection || lock && l.MayBeElection {
			continue
		}
		for o, role := range owners(f) {
			if role != waits || known[o.Session] || blocks[o.Session] == "" || blocks[o.Session] == h.Path || !p.old(o.Since, p.o.Waited) {
				continue
			}
			known[o.Session] = true
			p.add(Problem{Kind: ProblemSession, Severity: Warning, Path: h.Path, Recipe: h.Kind, Since: o.Since,
				Text:     fmt.Sprintf("%s waits here, and %s for it, the last at %s", nameOf(o), count(behind[o.Session], "waits", "wait"), blocks[o.Session]),
				Sessions: []session.ID{o.Session}})
		}
	}
}

// revoke is the command that asks the holder of a lock to release it.
func revoke(holder Owner) []string {
	if holder.Path == "" {
		return nil
	}
	return []string{"revoke", holder.Path}
}

// oldest returns the owner whose znode is the oldest.
func oldest(all []Owner) (first Owner) {
	for _, o := range all {
		if !o.Since.IsZero() && (first.Since.IsZero() || o.Since.Before(first.Since)) {
			first = o
		}
	}
	return first
}

func sessionsOf(all ...[]Owner) (ids []session.ID) {
	for _, o := range slices.Concat(all...) {
		if o.Session != 0 && len(ids) < MaxProblemSessions && !slices.Contains(ids, o.Session) {
			ids = append(ids, o.Session)
		}
	}
	return ids
}

func heldBy(holders []Owner) string {
	if len(holders) == 1 {
		return nameOf(holders[0]) + " holds it"
	}
	return fmt.Sprintf("%s and %d more hold it", nameOf(oldest(holders)), len(holders)-1)
}

// count returns a number and a verb or a noun of that number.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// nameOf names an owner in a sentence.
func nameOf(o Owner) string {
	switch {
	case o.ID != "":
		return owner.Name(o.ID)
	case o.Session != 0:
		return "session " + o.Session.String()
	}
	return "a client without a name"
}

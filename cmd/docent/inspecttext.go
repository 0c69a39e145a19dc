package main

import (
	"cmp"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/docent-go/docent/inspect"
)

// reportText formats a report as text: a line for each finding, and indented
// lines for its parts. All text from nodes is escaped.
func reportText(r *inspect.Report) string {
	t := &findingText{now: r.Taken}
	for i, f := range r.Findings {
		if _, plain := f.(*inspect.Plain); plain && len(f.Head().Notes) == 0 && leadsTo(f, r.Findings[i+1:]) {
			continue // the next finding shows its path
		}
		t.finding(f)
	}
	if r.LeftOut.Znodes > 0 {
		t.line("%s", leftOutText(r))
	}
	return t.b.String()
}

// leftOutText counts the znodes whose data was left out.
func leftOutText(r *inspect.Report) string {
	return fmt.Sprintf("%s shown without its data, %d bytes: beyond --max-bytes, or too large for a recipe; the first is %s",
		count(r.LeftOut.Znodes, "znode"), r.LeftOut.Bytes, oneLine(r.LeftOut.First[0]))
}

// leadsTo reports whether the first of the others is below f.
func leadsTo(f inspect.Finding, others []inspect.Finding) bool {
	if len(others) == 0 {
		return false
	}
	return strings.HasPrefix(others[0].Head().Path, strings.TrimSuffix(f.Head().Path, "/")+"/")
}

// findingText formats findings.
type findingText struct {
	b   strings.Builder
	now time.Time
}

func (t *findingText) line(format string, args ...any) { fmt.Fprintf(&t.b, format+"\n", args...) }

// shown is the maximum number of owners of one kind that are printed.
const shown = 20

func (t *findingText) finding(f inspect.Finding) {
	h := f.Head()
	head := oneLine(h.Path) + "  " + string(h.Kind)
	if names := layoutNames(h.Layouts); names != "" {
		head += " (" + names + ")"
	}
	switch f := f.(type) {
	case *inspect.Lock:
		if f.Holder == nil {
			t.line("%s", head)
			break
		}
		t.line("%s  held by %s", head, t.holder(*f.Holder))
		t.owners("waits", f.Waiters)
	case *inspect.RWLock:
		t.line("%s", head)
		t.holders(f.Holders)
		t.owners("waits", f.Waiters)
	case *inspect.Semaphore:
		used := count(f.Used, "permit")
		if f.Limit > 0 {
			used = fmt.Sprintf("%d of %s", f.Used, count(f.Limit, "permit"))
		}
		t.line("%s  %s used", head, used)
		t.holders(f.Holders)
		t.owners("waits", f.Waiters)
	case *inspect.OneNode:
		t.line("%s  %s", head, t.owner(f.Holder))
	case *inspect.Election:
		if f.Leader == nil {
			t.line("%s", head)
			break
		}
		t.line("%s  led by %s", head, t.holder(*f.Leader))
		if f.Transfer != "" {
			t.line("  to be handed to %s", oneLine(f.Transfer))
		}
		t.owners("candidate", f.Candidates)
	case *inspect.Group:
		t.line("%s  %s", head, count(h.Children, "member"))
		t.owners("member", f.Members)
	case *inspect.Partitioner:
		t.partitioner(head, f)
	case *inspect.Service:
		t.service(head, f)
	case *inspect.Queue:
		t.queue(head, f)
	case *inspect.Job:
		t.job(head, f)
	case *inspect.Barrier:
		t.line("%s  closed by %s", head, t.owner(f.SetBy))
	case *inspect.Double:
		state := "no member is inside yet"
		if f.Ready {
			state = "a round is under way"
		}
		t.line("%s  %s", head, state)
		t.owners("inside", f.Inside)
		t.owners("waits", f.Waiting)
		if len(f.Left) > 0 {
			t.line("  left: %s", oneLine(strings.Join(f.Left, ", ")))
		}
	case *inspect.Counter:
		t.line("%s  %d  version %d, changed %s ago", head, f.Value, f.Version, t.age(f.Modified))
		return // its note is the same for every counter
	case *inspect.ConfigKey:
		kept := ""
		if h.Kept > 0 {
			kept = ", " + count(h.Kept, "value") + " kept"
		}
		t.line("%s  %s  version %d, changed %s ago%s", head, count(f.Bytes, "byte"), f.Version, t.age(f.Modified), kept)
	case *inspect.History:
		t.line("%s  %s kept of %s", head, count(h.Kept, "value"), oneLine(f.Key))
	case *inspect.Plain:
		t.line("%s", head)
	case *inspect.Hidden:
		t.line("%s  its ACL hides its %s: see --auth-file", head, hiddenWhat(f.What))
	case *inspect.Omitted:
		t.line("%s  %s not read: %s", head, count(f.Nodes, "child"), f.Reason)
	}
	t.rest(h)
}

// rest formats the parts that every kind of finding can have.
func (t *findingText) rest(h *inspect.Header) {
	if h.Unread > 0 {
		t.line("  %d more that were not read", h.Unread)
	}
	for _, note := range h.Notes {
		t.line("  (%s)", oneLine(note))
	}
	for _, m := range h.Abandoned {
		t.line("  ! %s: %s", oneLine(m.Path), oneLine(m.Reason))
	}
}

func (t *findingText) partitioner(head string, f *inspect.Partitioner) {
	of := ""
	if f.Partitions > 0 {
		of = fmt.Sprintf(" of %d", f.Partitions)
	}
	t.line("%s  %d%s partitions owned", head, len(f.Claims), of)
	t.owners("member", f.Members)
	for _, claim := range f.Claims[:min(shown, len(f.Claims))] {
		t.line("  partition %s: %s", oneLine(claim.Partition), t.holder(claim.Owner))
	}
	t.more(len(f.Claims))
}

func (t *findingText) service(head string, f *inspect.Service) {
	t.line("%s  %s", head, count(len(f.Instances), "instance"))
	for _, in := range f.Instances[:min(shown, len(f.Instances))] {
		state := ""
		switch {
		case in.Disabled:
			state = ", disabled"
		case in.Draining:
			state = ", draining"
		}
		t.line("  instance: %s%s%s", t.owner(in.Owner), place(in), state)
	}
	t.more(len(f.Instances))
}

// place formats the address of an instance.
func place(in inspect.Instance) string {
	port := cmp.Or(in.Port, in.SSLPort)
	switch {
	case in.Hidden, in.LeftOut:
		return "" // its owner says so
	case in.Address == "":
		return ", without an address"
	case port == 0:
		return ", at " + oneLine(in.Address)
	}
	return ", at " + oneLine(net.JoinHostPort(strings.Trim(in.Address, "[]"), strconv.Itoa(port)))
}

func (t *findingText) queue(head string, f *inspect.Queue) {
	line := fmt.Sprintf("%s  %s", head, count(f.Length, "item"))
	if f.Delayed > 0 {
		line += fmt.Sprintf(", %d not due yet", f.Delayed)
	}
	switch {
	case f.Oldest == nil:
	case f.Oldest.Put.IsZero(): // since 3.9, servers withhold the stat of a hidden znode
		line += ", the ACL of the oldest hides its age"
	default:
		line += fmt.Sprintf(", the oldest put %s ago", t.age(f.Oldest.Put))
	}
	if f.Dead > 0 {
		line += ", " + count(f.Dead, "dead letter")
	}
	t.line("%s", line)
	for _, claim := range f.Claims[:min(shown, len(f.Claims))] {
		t.line("  claimed: %s by %s", oneLine(claim.Item), t.owner(claim.Owner))
	}
	t.more(len(f.Claims))
}

func (t *findingText) job(head string, f *inspect.Job) {
	if f.By == nil {
		t.line("%s  has never run", head)
		return
	}
	by := ownerName(*f.By)
	switch f.State {
	case inspect.JobRunning:
		t.line("%s  run by %s", head, t.owner(*f.By))
	case inspect.JobLost:
		t.line("%s  lost: begun %s ago by %s, whose session has ended", head, t.age(f.By.Since), by)
	default:
		t.line("%s  %s %s ago by %s, begun %s ago", head, f.State, t.age(f.Ended), by, t.age(f.By.Since))
	}
	t.owners("waits", f.Waiting)
}

// owners formats a line for each of the first owners.
func (t *findingText) owners(what string, all []inspect.Owner) {
	for _, o := range all[:min(shown, len(all))] {
		t.line("  %s: %s", what, t.owner(o))
	}
	t.more(len(all))
}

// holders formats a line for each of the first holders.
func (t *findingText) holders(all []inspect.Owner) {
	for _, o := range all[:min(shown, len(all))] {
		t.line("  holds: %s", t.holder(o))
	}
	t.more(len(all))
}

func (t *findingText) more(n int) {
	if n > shown {
		t.line("  and %d more (--json shows all)", n-shown)
	}
}

// owner formats an owner: its name, the age of its znode, session and token.
func (t *findingText) owner(o inspect.Owner) string { return t.aged(o, " for "+t.age(o.Since)) }

// holder formats an owner that holds or leads. Mostly no znode tells since when.
func (t *findingText) holder(o inspect.Owner) string {
	if o.HoldingSince.IsZero() {
		return t.aged(o, ", queued "+t.age(o.Since)+" ago")
	}
	return t.aged(o, " for "+t.age(o.HoldingSince))
}

// aged formats an owner with the text of its age.
func (t *findingText) aged(o inspect.Owner, age string) string {
	s := ownerName(o)
	if o.Mode != "" {
		s += " to " + string(o.Mode)
	}
	if o.Hidden && o.Since.IsZero() {
		return s + ", the ACL hides its session, age and token too: see --auth-file"
	}
	s += age
	if o.Session != 0 {
		s += ", session " + o.Session.String()
	} else {
		s += ", no session"
	}
	s += fmt.Sprintf(", token %d", o.Token)
	if o.Revoked {
		s += ", asked to release"
	}
	return s
}

func ownerName(o inspect.Owner) string {
	name := oneLine(o.ID)
	switch {
	case o.Hidden && name != "": // the id is part of the node's name
		name += " (hidden by its ACL)"
	case o.Hidden:
		name = "a client that an ACL hides"
	case o.LeftOut && name != "":
		name += " (its data is left out)"
	case o.LeftOut:
		name = "a client whose data is left out"
	case name == "":
		name = "a client without a name"
	}
	if o.PID != 0 {
		name += fmt.Sprintf(" (pid %d on %s)", o.PID, oneLine(o.Host))
	}
	return name
}

// age formats the time since a point, to the second. It is never negative,
// although the clocks of servers and clients differ.
func (t *findingText) age(since time.Time) string { return ageOf(since, t.now) }

func ageOf(since, now time.Time) string {
	d := max(0, now.Sub(since)).Truncate(time.Second)
	if days := d / (24 * time.Hour); days > 0 {
		return fmt.Sprintf("%dd%dh", days, d%(24*time.Hour)/time.Hour)
	}
	return d.String()
}

func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case what == "child":
		return fmt.Sprintf("%d children", n)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func layoutNames(all []inspect.Layout) string {
	names := make([]string, len(all))
	for i, l := range all {
		names[i] = string(l)
	}
	return strings.Join(names, ", ")
}

// deadlockText formats a cycle as a chain.
func deadlockText(d inspect.Deadlock, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "deadlock of %s, all waiting for %s:\n", count(len(d.Cycle), "session"), ageOf(d.Since, now))
	for i, w := range d.Cycle {
		next := d.Cycle[(i+1)%len(d.Cycle)]
		fmt.Fprintf(&b, "  %s, session %s, waits at %s (%s) for ", ownerName(w.Waiter), w.Waiter.Session, oneLine(w.Lock), w.Kind)
		if w.Holder.Session != next.Waiter.Session {
			fmt.Fprintf(&b, "%s, session %s, whose command runs ", ownerName(w.Holder), w.Holder.Session)
		}
		fmt.Fprintf(&b, "%s, session %s\n", ownerName(next.Waiter), next.Waiter.Session)
		if w.MayBeElection {
			fmt.Fprintf(&b, "    (%s may be an election)\n", oneLine(w.Lock))
		}
	}
	if n := len(d.Behind); n > 0 {
		fmt.Fprintf(&b, "  %s waiting for the cycle:", count(n, "session"))
		for _, id := range d.Behind[:min(n, shown)] {
			fmt.Fprintf(&b, " %s", id)
		}
		b.WriteString("\n")
	}
	if d.More {
		b.WriteString("  these sessions are in further cycles, which are not listed: end a listed cycle, and look again\n")
	}
	return b.String()
}

// gaps lists what a search for deadlocks has not read.
func gaps(found *inspect.DeadlockReport) string {
	r, left := found.Report, 0
	for _, f := range r.Findings {
		left += f.Head().Unread
	}
	for _, o := range r.Omitted() {
		left += o.Nodes
	}
	left += r.LeftOut.Znodes
	var words []string
	if left > 0 {
		words = append(words, fmt.Sprintf("%d znodes were left out (see --limit and --max-bytes)", left))
	}
	if hidden := len(r.Hidden()); hidden > 0 {
		words = append(words, fmt.Sprintf("ACLs hide something of %s (see --auth-file)", count(hidden, "znode")))
	}
	if found.Entangled {
		words = append(words, "too many sessions hold and wait at the same paths (give a PATH further down)")
	}
	return strings.Join(words, ", ")
}

// hiddenWhat names the part of a node that an ACL hides.
func hiddenWhat(what string) string {
	if what == "node" {
		return "data, stat and children"
	}
	return what
}

package inspect

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// ownerRole is what an owner's znode means in its recipe.
type ownerRole int

const (
	holds   ownerRole = iota // also leads, has claimed, runs
	waits                    // also is a candidate
	belongs                  // is a member, or an instance
)

// owners yields the owners of a finding, each with its role.
func owners(f Finding) iter.Seq2[Owner, ownerRole] {
	return func(yield func(Owner, ownerRole) bool) {
		all := func(role ownerRole, some ...Owner) bool {
			for _, o := range some {
				if !yield(o, role) {
					return false
				}
			}
			return true
		}
		one := func(role ownerRole, o *Owner) bool { return o == nil || yield(*o, role) }
		switch f := f.(type) {
		case *Lock:
			_ = one(holds, f.Holder) && all(waits, f.Waiters...)
		case *RWLock:
			_ = all(holds, f.Holders...) && all(waits, f.Waiters...)
		case *Semaphore:
			_ = all(holds, f.Holders...) && all(waits, f.Waiters...)
		case *OneNode:
			_ = yield(f.Holder, holds)
		case *Election:
			_ = one(holds, f.Leader) && all(waits, f.Candidates...)
		case *Group:
			_ = all(belongs, f.Members...)
		case *Partitioner:
			for _, c := range f.Claims {
				if !yield(c.Owner, holds) {
					return
				}
			}
			_ = all(belongs, f.Members...)
		case *Service:
			for _, in := range f.Instances {
				if !yield(in.Owner, belongs) {
					return
				}
			}
		case *Queue:
			for _, c := range f.Claims {
				if !yield(c.Owner, holds) {
					return
				}
			}
		case *Job:
			if f.State == JobRunning && !one(holds, f.By) {
				return
			}
			_ = all(waits, f.Waiting...)
		case *Double:
			_ = all(belongs, f.Inside...) && all(waits, f.Waiting...)
		}
	}
}

func (p *problems) queue(f *Queue) {
	if f.Dead > 0 {
		p.add(Problem{Kind: ProblemDeadLetters, Severity: Warning, Path: f.Path, Recipe: f.Kind,
			Text:    fmt.Sprintf("the queue has %s", count(f.Dead, "dead letter", "dead letters")),
			Command: []string{"queue", "dead", "redrive", f.Path}})
	}
	was, ok := p.earlier[f.Path].(*Queue)
	if !ok || f.Unread > 0 || was.Unread > 0 {
		return
	}
	if more := f.Length - was.Length; more >= p.o.Growth {
		text := fmt.Sprintf("the queue has %s, %d more than before", count(f.Length, "item", "items"), more)
		if len(f.Claims) == 0 {
			text += "; no consumer has claimed one"
		}
		p.add(Problem{Kind: ProblemGrowing, Severity: Warning, Path: f.Path, Recipe: f.Kind, Since: p.o.Earlier.Taken, Text: text})
	}
}

func (p *problems) service(f *Service) {
	if f.Unread > 0 {
		return
	}
	if len(f.Instances) == 0 {
		p.add(Problem{Kind: ProblemNoInstance, Severity: Critical, Path: f.Path, Recipe: f.Kind, Text: "the service has no instance"})
		return
	}
	drains := 0
	for _, in := range f.Instances {
		if !in.Draining && !in.Disabled || in.Hidden || in.LeftOut {
			return
		}
		if in.Draining {
			drains++
		}
	}
	state, command := "disabled", []string(nil)
	if drains > 0 {
		state = "draining or disabled"
	}
	if drains == len(f.Instances) {
		state = "draining"
		command = undrain(f)
	}
	// When an instance was drained is not known.
	p.add(Problem{Kind: ProblemNoInstance, Severity: Critical, Path: f.Path, Recipe: f.Kind,
		Text: fmt.Sprintf("clients choose no instance: %s", allAre(len(f.Instances), state)), Command: command})
}

// undrain is the command that brings an instance of the service back, or nil.
func undrain(f *Service) []string {
	base, named := strings.CutSuffix(f.Path, "/"+f.Name)
	if !named || slices.Contains(f.Layouts, Dubbo) {
		return nil
	}
	command := []string{"service", "drain", f.Name, f.Instances[0].ID, "--undo"}
	if base != defaultServices {
		command = append(command, "--base", rooted(base))
	}
	if slices.Contains(f.Layouts, Spring) {
		command = append(command, "--layout", "spring")
	}
	return command
}

// allAre says of n instances that all are in a state.
func allAre(n int, state string) string {
	if n == 1 {
		return "the only one is " + state
	}
	return fmt.Sprintf("all %d are %s", n, state)
}

// defaultServices is the directory of services that docent looks into.
const defaultServices = "/services"

// rooted returns the path of a directory, which is "" for the root.
func rooted(dir string) string {
	if dir == "" {
		return "/"
	}
	return dir
}

// lostServices adds the services of the earlier report that have no instances
// now. A service that has no znodes left looks like a plain znode, or like
// nothing. So does an empty directory beside services.
func (p *problems) lostServices() {
	now := make(map[string]Finding, len(p.r.Findings))
	unread := make(map[string]bool)
	homes := make(map[string]bool) // the directories of services
	for _, f := range p.r.Findings {
		h := f.Head()
		now[h.Path] = f
		switch f.(type) {
		case *Omitted, *Hidden:
			unread[h.Path] = true
		case *Service:
			homes[parentOf(h.Path)] = true
		}
	}
	out := func(path string) bool { // the report does not tell whether the service is there
		for dir := range ancestors(path) {
			if unread[dir] {
				return true
			}
		}
		return unread[path] || unread["/"]
	}
	lost := func(f *Service, since time.Time) {
		p.add(Problem{Kind: ProblemNoInstance, Severity: Critical, Path: f.Path, Recipe: KindService, Since: since,
			Text: fmt.Sprintf("the service has no instance; it had %d", len(f.Instances))})
	}
	known := make(map[string]bool)
	if p.o.Earlier != nil {
		for _, f := range p.o.Earlier.Findings {
			was, service := f.(*Service)
			if !service || len(was.Instances) == 0 || out(was.Path) {
				continue
			}
			if plain, is := now[was.Path].(*Plain); now[was.Path] == nil || is && plain.Children == 0 {
				known[was.Path] = true
				lost(was, p.o.Earlier.Taken)
			}
		}
	}
	for _, f := range p.r.Findings {
		plain, is := f.(*Plain)
		if is && plain.Children == 0 && plain.Bytes == 0 && plain.Session == 0 && homes[parentOf(plain.Path)] && !known[plain.Path] {
			p.add(Problem{Kind: ProblemNoInstance, Severity: Warning, Path: plain.Path, Recipe: KindService,
				Text: "the directory is empty, and services are beside it: it looks like a service without an instance"})
		}
	}
}

func parentOf(path string) string { return path[:max(strings.LastIndexByte(path, '/'), 0)] }

func (p *problems) job(f *Job) {
	if f.State != JobFailed && f.State != JobLost || f.By == nil {
		return
	}
	one := Problem{Kind: ProblemJob, Severity: Warning, Path: f.Path, Recipe: f.Kind, Since: f.Ended,
		Text: "the newest run, by " + nameOf(*f.By) + ", has failed"}
	if f.State == JobLost {
		one.Since = f.By.Since
		one.Text = "the newest run, by " + nameOf(*f.By) + ", was lost: its process has died, or has lost its session"
	}
	p.add(one)
}

// partitions adds a partitioner that had partitions without an owner before,
// too: members take new partitions within a moment.
func (p *problems) partitions(f *Partitioner) {
	missing := func(f *Partitioner) int { return f.Partitions - len(f.Claims) }
	was, ok := p.earlier[f.Path].(*Partitioner)
	if f.Unread > 0 || missing(f) <= 0 || len(f.Members) > 0 && (!ok || was.Unread > 0 || missing(was) <= 0) {
		return
	}
	one := Problem{Kind: ProblemPartitions, Severity: Warning, Path: f.Path, Recipe: f.Kind,
		Text: fmt.Sprintf("%d of %s without an owner", missing(f), count(f.Partitions, "partition is", "partitions are"))}
	if len(f.Members) == 0 {
		one.Severity, one.Text = Critical, "no member is there: no partition has an owner"
	} else {
		one.Since = p.o.Earlier.Taken
	}
	p.add(one)
}

// unread adds what ACLs hide and limits leave out, in one problem each.
func (p *problems) unread() {
	if hidden := p.r.Hidden(); len(hidden) > 0 {
		p.add(Problem{Kind: ProblemHidden, Severity: Notice, Path: hidden[0].Path, Recipe: KindHidden,
			Text:    fmt.Sprintf("ACLs hide something of %s; there may be problems in it", count(len(hidden), "znode", "znodes")),
			Command: []string{"acl", "check", hidden[0].Path}})
	}
	left, path := p.r.LeftOut.Znodes, ""
	if left > 0 {
		path = p.r.LeftOut.First[0]
	}
	for _, f := range p.r.Findings {
		n := f.Head().Unread
		if o, omitted := f.(*Omitted); omitted {
			n = o.Nodes
		}
		if n > 0 && path == "" {
			path = f.Head().Path
		}
		left += n
	}
	if left > 0 {
		p.add(Problem{Kind: ProblemUnread, Severity: Notice, Path: path, Recipe: KindOmitted,
			Text:    fmt.Sprintf("%s left out; there may be problems in them", count(left, "znode was", "znodes were")),
			Command: []string{"inspect", "--problems", rooted(path)}})
	}
}

package simulation

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/zktest"
)

// Process is a process of the world, which can be paused.
type Process struct {
	*testworld.Process
	Index int

	w       *World
	timeout time.Duration

	mu     sync.Mutex
	cut    zktest.Direction
	paused chan struct{} // closed when the process goes on; nil while it runs
	until  time.Time
}

// Pause makes the process stand still for d. A longer pause that is under way
// stays as it is.
func (p *Process) Pause(d time.Duration) {
	p.w.Log("process %d pauses for %v", p.Index, d)
	p.mu.Lock()
	defer p.mu.Unlock()
	until := time.Now().Add(d)
	if p.paused != nil {
		if until.After(p.until) {
			p.until = until
		}
		return
	}
	p.paused, p.until = make(chan struct{}), until
	p.Link.Cut(zktest.Both)
	time.AfterFunc(d, p.goOn)
}

// goOn ends a pause when its time is up.
func (p *Process) goOn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused == nil {
		return
	}
	if left := time.Until(p.until); left > 0 {
		time.AfterFunc(left, p.goOn)
		return
	}
	close(p.paused)
	p.paused = nil
	p.path()
}

// path gives the network path its present faults. The caller holds p.mu.
func (p *Process) path() {
	p.Link.Heal()
	if p.paused != nil {
		p.Link.Cut(zktest.Both)
	} else if p.cut != 0 {
		p.Link.Cut(p.cut)
	}
}

// Cut cuts the process's network path in a direction besides those in which it
// is cut; 0 heals it.
func (p *Process) Cut(dir zktest.Direction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if dir == 0 {
		p.cut = 0
	}
	p.cut |= dir
	p.path()
}

// point is where an actor stands still while its process does.
func (p *Process) point() (stood bool) {
	for {
		p.mu.Lock()
		paused := p.paused
		p.mu.Unlock()
		if paused == nil {
			return stood
		}
		stood = true
		<-paused
	}
}

// Actor is a goroutine that works in a process.
type Actor struct {
	*Process
	*Dice
	World *World
	Name  string
	// Ctx ends when the actor is to come to its end.
	Ctx context.Context
}

// Go starts an actor. f has to return soon after the actor's Ctx has ended.
func (w *World) Go(p *Process, name string, f func(a *Actor)) {
	ctx, end := context.WithCancel(w.actors)
	w.enders = append(w.enders, end)
	a := &Actor{Process: p, Dice: w.Dice(fmt.Sprint("actor ", p.Index, " ", name)), World: w, Name: fmt.Sprint(p.Index, name), Ctx: ctx}
	w.work.Go(func() {
		a.Step() // no two begin at one instant
		f(a)
	})
}

// Fork returns an actor of the same process for another goroutine.
func (a *Actor) Fork(name string) *Actor {
	fork := *a
	fork.Name += "/" + name
	fork.Dice = a.World.Dice(fmt.Sprint("actor ", a.Index, " ", fork.Name))
	return &fork
}

// Going reports whether the actor is to go on.
func (a *Actor) Going() bool {
	a.Step()
	return a.Ctx.Err() == nil
}

// Step is a moment of work: it takes a time of its own, and stands still while
// the process does.
func (a *Actor) Step() {
	time.Sleep(a.UpTo(time.Millisecond))
	a.point()
}

// Work is Step in which the process may be paused: an actor calls it between a look at
// something and what it does upon that.
func (a *Actor) Work() {
	if a.One(25) && !a.World.calmed() {
		longest := a.timeout
		if a.One(2) {
			longest *= 4
		}
		a.Pause(a.UpTo(longest))
	}
	a.Step()
}

// Sleep waits for up to most, or until a context ends.
func (a *Actor) Sleep(ctx context.Context, most time.Duration) {
	timer := time.NewTimer(a.UpTo(most))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	a.Step()
}

// Within returns a context for one call, that ends after up to most.
func (a *Actor) Within(most time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(a.Ctx, a.UpTo(most))
}

// Log writes a line into the trace.
func (a *Actor) Log(format string, args ...any) {
	a.World.Log("%s: %s", a.Name, fmt.Sprintf(format, args...))
}

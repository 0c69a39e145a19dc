package simulation

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/testing/testworld"
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
	paused chan struct{} // closed when the process continues; nil while it runs
	until  time.Time
}

// Pause stops the process for d. A longer pause that is under way stays.
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

// goOn ends a pause when its time is over.
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

// Cut cuts the process's network path in a further direction; 0 heals all of
// them.
func (p *Process) Cut(dir zktest.Direction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if dir == 0 {
		p.cut = 0
	}
	p.cut |= dir
	p.path()
}

// point stops an actor while its process is paused.
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
	// Ctx ends when the actor has to end.
	Ctx context.Context
}

// Go starts an actor. f has to return soon after the end of the actor's Ctx.
func (w *World) Go(p *Process, name string, f func(a *Actor)) {
	ctx, end := context.WithCancel(w.actors)
	w.enders = append(w.enders, end)
	a := &Actor{Process: p, Dice: w.Dice(fmt.Sprint("actor ", p.Index, " ", name)), World: w, Name: fmt.Sprint(p.Index, name), Ctx: ctx}
	w.work.Go(func() {
		a.Step() // no two actors begin at one instant
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

// Going reports whether the actor is to continue.
func (a *Actor) Going() bool {
	a.Step()
	return a.Ctx.Err() == nil
}

// Step is a moment of work. It takes a time of its own, and stops while the
// process is paused.
func (a *Actor) Step() {
	time.Sleep(a.UpTo(time.Millisecond))
	a.point()
}

// Work is a Step in which the process may be paused. An actor calls it between
// a check and the action that follows from the check.
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

// Sleep waits for up to max, or until a context ends.
func (a *Actor) Sleep(ctx context.Context, max time.Duration) {
	timer := time.NewTimer(a.UpTo(max))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	a.Step()
}

// Within returns a context for one call, which ends after up to max.
func (a *Actor) Within(max time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(a.Ctx, a.UpTo(max))
}

// Log writes a line into the trace.
func (a *Actor) Log(format string, args ...any) {
	a.World.Log("%s: %s", a.Name, fmt.Sprintf(format, args...))
}

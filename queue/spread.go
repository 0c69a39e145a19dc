package queue

import (
	"container/heap"
	"time"

	"github.com/docent-go/docent/internal/chance"
	"github.com/docent-go/docent/internal/core"
)

// How consumers keep out of each other's way. One that finds that others take the
// same items chooses among the first few at random, and among more of them the
// oftener it happens: among up to 2^mostHeat. One that is woken and finds nothing
// left waits a moment at random the next time, before it looks. A consumer that
// is alone takes the first item, at once.
const (
	heatStep  = 16 // of heat: among twice as many
	mostHeat  = 6
	hot       = heatStep     // for a claim that was refused
	warm      = heatStep / 4 // for an item that had gone
	cool      = 1            // for a claim that was not
	mostLate  = 7
	leastWait = 2 * time.Millisecond
	mostWait  = 128 * time.Millisecond
)

// choose takes one of the first items out of the picture. All among which it
// chooses have the same priority. The caller holds mu.
func (p *picture) choose() name {
	first := heap.Pop(&p.ready).(name)
	some := []name{first}
	for len(some) < 1<<(p.heat/heatStep) && p.ready.Len() > 0 && p.ready.names[0].priority == first.priority {
		some = append(some, heap.Pop(&p.ready).(name))
	}
	i := chance.N(len(some))
	for j, n := range some {
		if j != i {
			heap.Push(&p.ready, n)
		}
	}
	p.mine[some[i].text] = struct{}{}
	if a := p.aside[some[i].text]; a != nil {
		a.trying = true
	}
	p.takes++
	return some[i]
}

// missed forgets an item that somebody else has, or that has gone.
func (p *picture) missed(s *core.Session, n name, claimed bool) {
	p.drop(s, n)
	p.mu.Lock()
	defer p.mu.Unlock()
	step := warm
	if claimed {
		step = hot
		p.busy = true
	}
	p.heat = min(p.heat+step, mostHeat*heatStep)
}

// won notes that a claim succeeded.
func (p *picture) won(s *core.Session, n name) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.aside[n.text]; a != nil && p.s == s {
		a.trying = false
	}
	p.heat = max(p.heat-cool, 0)
	p.late = max(p.late-1, 0)
}

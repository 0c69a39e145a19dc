package hostile

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/docent-go/docent/zktest"
)

// Path is a network path whose attacker changes no byte of the server's frames.
// It drops, repeats, delays, splits and exchanges them, also between
// connections, and adds events that it has made up. It does so at random, by its
// seed.
type Path struct {
	mu     sync.Mutex
	dice   *rand.Rand
	chance float64
	mute   func(zktest.Op) bool // answers of these kinds are dropped
	honest bool
	kept   [][]byte // earlier frames, which may be sent again
	made   int      // attacks
}

// maxKept is the number of earlier frames that a Path can send again.
const maxKept = 32

// NewPath returns a Path that attacks the given part of all frames. mute may be
// nil. Answers of the kinds for which it returns true never arrive.
func NewPath(seed uint64, chance float64, mute func(zktest.Op) bool) *Path {
	return &Path{dice: rand.New(rand.NewPCG(seed, 2)), chance: chance, mute: mute}
}

// Repent lets all further frames pass.
func (p *Path) Repent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.honest = true
}

// Attacks returns the number of frames that were attacked.
func (p *Path) Attacks() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.made
}

// React is the reaction of Between.
func (p *Path) React(f Frame) Reaction {
	p.mu.Lock()
	defer p.mu.Unlock()
	truth := Reaction{Bytes: f.Bytes}
	switch {
	case p.honest:
		return truth
	case p.mute != nil && p.mute(f.Op):
		p.made++
		return Reaction{}
	case p.dice.Float64() >= p.chance:
		return truth
	}
	p.made++
	if f.Op == zktest.OpConnect {
		return p.disturb(f)
	}
	if len(p.kept) < maxKept {
		p.kept = append(p.kept, bytes.Clone(f.Bytes))
	} else {
		p.kept[p.dice.IntN(maxKept)] = bytes.Clone(f.Bytes)
	}
	other := pick(p.dice, p.kept)
	joined := func(parts ...[]byte) Reaction { return Reaction{Bytes: bytes.Join(parts, nil)} }
	switch p.dice.IntN(10) {
	case 0: // dropped
		return Reaction{}
	case 1: // repeated
		return joined(f.Bytes, f.Bytes)
	case 2: // after an earlier frame, maybe of another connection
		return joined(other, f.Bytes)
	case 3: // before one
		return joined(f.Bytes, other)
	case 4: // exchanged
		return joined(other)
	case 5: // its end is missing, and the next frame follows
		return joined(f.Bytes[:p.dice.IntN(len(f.Bytes))])
	case 6: // after events that nothing has caused
		return joined(event(int32(1+p.dice.IntN(4)), pick(p.dice, eventPaths)), f.Bytes)
	}
	return p.disturb(f)
}

// disturb splits, delays or cuts a frame. It is all that a Path does to the
// answer to a hello: with the answer of another connection, a client would take
// itself for another session as long as the connection lasts.
func (p *Path) disturb(f Frame) Reaction {
	switch p.dice.IntN(3) {
	case 0:
		return Reaction{Bytes: f.Bytes, Slow: true}
	case 1:
		return Reaction{Bytes: f.Bytes[:p.dice.IntN(len(f.Bytes))], HangUp: true}
	}
	return Reaction{Bytes: f.Bytes, Wait: time.Duration(p.dice.IntN(6000)) * time.Millisecond}
}

// eventPaths are paths that the recipes of the tests watch, or do not.
var eventPaths = []string{"/", "/lied", "/lied/transfer", "/lied/ready", "/lied-limit", "/lied/s/i", "/elsewhere", "/zookeeper/quota"}

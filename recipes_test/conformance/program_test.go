package conformance

import (
	"fmt"
	"path"
	"sort"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-zookeeper/zk"
	"pgregory.net/rapid"
)

// programs numbers the programs of this test binary. Each gets its own
// directory.
var programs atomic.Int64

// world is one side as a program sees it.
type world struct {
	side    *side
	base    string // the program's directory
	clients [2]*client
	made    []string // the sequential nodes, in the order of creation
}

// comparison runs one program on both sides.
type comparison struct {
	t        *rapid.T
	worlds   [2]*world // the reference, then the embedded server
	bearings *bearings
	away     [2]bool // the sessions without a connection, on both sides
	opened   int     // number of sessions opened per side, for their names
}

func comparePrograms(t *rapid.T, reference, embedded *side) {
	base := fmt.Sprintf("/program-%d-%d", time.Now().UnixNano(), programs.Add(1))
	c := &comparison{t: t, bearings: newBearings()}
	for i, s := range []*side{reference, embedded} {
		c.worlds[i] = &world{side: s, base: base}
	}
	defer c.close()
	for who := range c.away {
		c.open(who)
	}
	for _, s := range preamble {
		c.take(s)
	}
	for _, s := range drawProgram.Draw(t, "program") {
		c.take(s)
	}
	c.survey()
}

// open gives a session to both worlds.
func (c *comparison) open(who int) {
	name := fmt.Sprintf("session %d.%d", who, c.opened)
	c.opened++
	for i, w := range c.worlds {
		cl, err := open(w.side, fmt.Sprintf("%s-pin-%d", w.base, who))
		if err != nil {
			c.t.Fatalf("%v", err)
		}
		w.clients[who] = cl
		c.bearings.owners[i][cl.conn.SessionID()] = name
	}
}

func (c *comparison) close() {
	for _, w := range c.worlds {
		for _, cl := range w.clients {
			if cl != nil {
				cl.shut()
			}
		}
	}
}

// take runs a step on both sides and compares the outcomes.
func (c *comparison) take(s step) {
	inOrder := true
	switch s.kind {
	case nothing:
		return
	case "lose", "find":
		c.move(s)
		inOrder = false // the client sets its watches again in no particular order, and events come in that order
	case "reopen":
		c.back(s.who)
		for _, w := range c.worlds {
			w.clients[s.who].shut()
		}
		c.open(s.who)
		inOrder = false // a session's ephemeral nodes are deleted in no particular order
	default:
		if c.away[s.who] {
			return
		}
		want, got := c.worlds[0].do(s), c.worlds[1].do(s)
		if d := c.bearings.compare(want, got); d != "" {
			c.t.Fatalf("%v: %s", s, d)
		}
	}
	c.compareEvents(s, inOrder)
}

// move closes a session's connection, or lets the session reconnect.
func (c *comparison) move(s step) {
	if s.kind == "find" {
		c.back(0)
		c.back(1)
		return
	}
	if c.away[0] || c.away[1] {
		return // one session has to stay, to make the changes that the other one misses
	}
	c.away[s.who] = true
	for _, w := range c.worlds {
		if err := w.clients[s.who].lose(); err != nil {
			c.t.Fatalf("%v: %v", s, err)
		}
	}
}

func (c *comparison) back(who int) {
	if !c.away[who] {
		return
	}
	c.away[who] = false
	for _, w := range c.worlds {
		if err := w.clients[who].find(); err != nil {
			c.t.Fatalf("%v", err)
		}
	}
}

// compareEvents compares the watch events of every session since the last step.
// It sends a request on each connection first: the answer comes after all
// events of the step.
func (c *comparison) compareEvents(s step, inOrder bool) {
	for who := range c.away {
		if c.away[who] {
			continue
		}
		var events [2]string
		for i, w := range c.worlds {
			if _, _, err := w.clients[who].conn.Exists("/"); err != nil {
				c.t.Fatalf("%v: %s: asking session %d: %v", s, w.side.name, who, err)
			}
			events[i] = w.eventText(who, inOrder)
		}
		if events[0] != events[1] {
			c.t.Fatalf("%v: events of session %d: want [%s], got [%s]", s, who, events[0], events[1])
		}
	}
}

func (w *world) eventText(who int, inOrder bool) string {
	var texts []string
	for _, ev := range w.clients[who].takeEvents() {
		texts = append(texts, fmt.Sprintf("%v %s %v", ev.Type, w.relative(ev.Path), ev.Err))
	}
	if !inOrder {
		sort.Strings(texts)
	}
	return strings.Join(texts, ", ")
}

// survey compares the final state after the program.
func (c *comparison) survey() {
	c.take(step{kind: "find"})
	nodes := append([]string{}, paths...)
	for nth := range c.worlds[0].made {
		nodes = append(nodes, c.worlds[0].relative(c.worlds[0].made[nth])[1:])
	}
	for _, node := range nodes {
		for _, kind := range []string{"exists", "get", "children", "getACL"} {
			c.take(step{kind: kind, path: node, nth: -1})
		}
	}
}

// resolve returns the absolute path of a step.
func (w *world) resolve(s step) string {
	if s.nth >= 0 && len(w.made) > 0 && s.kind != "create" {
		return w.made[s.nth%len(w.made)]
	}
	return w.base + s.path
}

// relative replaces the program's directory by a tilde, because its name
// differs in every run.
func (w *world) relative(p string) string { return strings.Replace(p, w.base, "~", 1) }

// keep stores the name of a sequential node for later steps.
func (w *world) keep(s step, created string) {
	if created != "" && path.Base(created) != path.Base(s.path) && strings.HasPrefix(created, w.base) {
		w.made = append(w.made, created)
	}
}

func flags(mode string) int32 { return modes[mode] }

// createPath returns the path of a create. Sequential nodes get a name before
// the number.
func (w *world) createPath(s step) string {
	if f := flags(s.mode); f == zk.FlagSequence || f == zk.FlagEphemeralSequential || f == zk.FlagPersistentSequentialWithTTL {
		return w.base + s.path + "/s-"
	}
	return w.base + s.path
}

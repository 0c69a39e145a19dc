package model

// TurnRules say which obligation a broken client leaves out. The zero value is
// the protocol of package waitqueue.
type TurnRules struct {
	TrustsTheOneBefore bool // the end of the one before the predecessor counts as a list that shows its absence
	NoOwnInList        bool // a list is not searched for our own node
	NoOwnWatch         bool // our own node is not watched when the turn is prepared
	AcrossConnections  bool // the predecessor's end is sufficient after a reconnection too
	UsedWatch          bool // it is sufficient although a write has used up the watch of our own node
}

// TurnBounds bound the interleavings.
type TurnBounds struct {
	Before      int // the contenders before ours: 1 to 3
	Connections int // how often the connection is lost at most
	Writes      int // how often a client writes to our node at most
}

// Nodes of the wait queue. The contenders before ours are 1 to Before, in the
// order of their numbers.
const (
	own      = 4
	ownWrite = own + 1 // in the history: a write to our own node
)

// Kinds of messages. The first three are requests and their answers.
const (
	noMessage = iota
	list
	read    // of a node, with a watch
	reread  // of our own node, after a write to it
	watches // a request: set the watches of the connection before again
	ended   // an event: a node was deleted
	written // an event: our own node was written to
)

// message is a request, an answer or an event.
type message struct {
	kind, node int8
	found      bool // answer of a read
	shows      int8 // answer of a list: a bit for each node
	zxid       int8 // of an answer: how much of the history it shows
}

// Phases of the client, as in the diagram of package waitqueue. The step from
// look to another phase takes no time.
const (
	entered  = iota // it has the list of its Enter, in view
	far             // it waits for the end of the one before its predecessor
	apart           // it waits for the end of its predecessor, and lists then
	asking          // the packet that prepares its turn is outstanding
	prepared        // it waits for the end of its predecessor
	listing         // a list is outstanding
	holding
	rejoins // its node is gone: it enters again
)

// turnState is one contender, its server, and the history of the wait queue.
type turnState struct {
	history [6]int8 // the nodes that have ended, and writes to our own, in order
	length  int8

	// The client's server.
	applied  int8 // how much of the history it has
	watched  int8 // a bit for each node with a watch of the client
	requests [5]message
	answers  [6]message // and events, in the order in which they were sent

	// The client.
	connections int8 // how many it has lost
	phase       int8
	view        int8 // the contenders before ours in the newest list
	newest      int8 // the zxid of the newest answer
	waits       int8 // the node whose end it waits for
	over        bool // that node's end is known
	gone        bool // the end of our own node is known
	ownWatch    bool // the session watches our own node
	used        bool // a write has used up the watch of our own node
	same        bool // the turn was prepared on this connection
	withList    bool // the outstanding packet has a list
	withOwn     bool // the outstanding packet reads our own node
	open        int8 // how many answers of the packet are outstanding
}

func bit(node int8) int8 { return 1 << node }

// last returns the last node of a set of contenders, or 0.
func last(set int8) int8 {
	for node := int8(own - 1); node > 0; node-- {
		if set&bit(node) != 0 {
			return node
		}
	}
	return 0
}

// exists reports whether a node exists when n entries of the history are done.
func (s *turnState) exists(node, n int8) bool {
	for _, one := range s.history[:n] {
		if one == node {
			return false
		}
	}
	return true
}

// proof reports whether at some instant our own node existed, and none before
// it.
func (s *turnState) proof(before int) bool {
	for n := int8(0); n <= s.length; n++ {
		first := s.exists(own, n)
		for node := int8(1); node <= int8(before); node++ {
			first = first && !s.exists(node, n)
		}
		if first {
			return true
		}
	}
	return false
}

type turnModel struct {
	rules  TurnRules
	bounds TurnBounds
}

// Turn is a contender with up to three contenders before it. Every node may end
// at any time, ours included. The client's server lags behind the history by
// any time. Connections are lost, and the next server may lag further, but
// never behind an answer that the client has seen. The violation is a hold
// without an instant at which our own node existed and none before it.
func Turn(rules TurnRules, bounds TurnBounds) System[turnState] {
	m := turnModel{rules, bounds}
	var initial turnState
	for node := 1; node <= bounds.Before; node++ {
		initial.view |= bit(int8(node))
	}
	return System[turnState]{
		Initial: initial,
		Next:    m.next,
		Violation: func(s turnState) string {
			if s.phase == holding && !s.proof(bounds.Before) {
				return "the contender holds, and was never first with its own node standing"
			}
			return ""
		},
		Goals: map[string]func(turnState) bool{
			"a hold by a prepared turn":      func(s turnState) bool { return s.phase == holding && s.over && s.same },
			"a hold by a list":               func(s turnState) bool { return s.phase == holding && !s.over },
			"a hold after a lost connection": func(s turnState) bool { return s.phase == holding && s.connections > 0 },
			"our own node was deleted":       func(s turnState) bool { return s.phase == rejoins },
		},
	}
}

func (m turnModel) next(s turnState, step func(string, turnState)) {
	if s.phase == holding || s.phase == rejoins {
		return
	}
	if s.phase == entered {
		m.look(s, step)
		return
	}
	m.changes(s, step)
	m.server(s, step)
	if s.answers[0].kind != noMessage {
		m.receive(s, step)
	}
	if int(s.connections) < m.bounds.Connections {
		m.reconnect(s, step)
	}
}

// changes: a node ends, or a client writes to our own node.
func (m turnModel) changes(s turnState, step func(string, turnState)) {
	add := func(name string, entry int8) {
		to := s
		to.history[to.length] = entry
		to.length++
		step(name, to)
	}
	for node := int8(1); node <= own; node++ {
		if (node <= int8(m.bounds.Before) || node == own) && s.exists(node, s.length) {
			add("node "+names[node]+" ends", node)
		}
	}
	writes := 0
	for _, one := range s.history[:s.length] {
		if one == ownWrite {
			writes++
		}
	}
	if writes < m.bounds.Writes && s.exists(own, s.length) {
		add("a client writes to our own node", ownWrite)
	}
}

var names = [...]string{1: "1", 2: "2", 3: "3", own: "of ours"}

package model

// look acts on the newest list.
func (m turnModel) look(s turnState, step func(string, turnState)) {
	s.over = false
	pred := last(s.view)
	if pred == 0 {
		s.phase = holding
		step("the list shows nobody before ours: hold", s)
		return
	}
	wait := s // for a successor, or for several compatible contenders
	wait.phase, wait.waits = apart, pred
	wait.ask(message{kind: read, node: pred})
	step("look: wait apart", wait)
	if ahead := last(s.view &^ bit(pred)); ahead != 0 {
		s.phase, s.waits = far, ahead
		s.ask(message{kind: read, node: ahead})
		step("look: far", s)
		return
	}
	m.prepare(&s, false)
	step("look: prepare", s)
}

// prepare sends the packet of Node.Prepare.
func (m turnModel) prepare(s *turnState, withList bool) {
	s.phase, s.waits, s.over = asking, last(s.view), false
	s.same, s.withList, s.open = true, withList, 1
	s.withOwn = !s.ownWatch && !m.rules.NoOwnWatch
	if withList {
		s.ask(message{kind: list})
		s.open++
	}
	s.ask(message{kind: read, node: s.waits})
	if s.withOwn {
		s.ask(message{kind: read, node: own})
		s.open++
	}
}

// receive takes the next message of the server.
func (m turnModel) receive(s turnState, step func(string, turnState)) {
	a := s.answers[0]
	copy(s.answers[:], s.answers[1:])
	s.answers[len(s.answers)-1] = message{}
	if a.kind == list || a.kind == read || a.kind == reread {
		s.newest = max(s.newest, a.zxid)
	}
	switch {
	case a.kind == list:
		m.listed(&s, a)
	case a.node == own && a.kind != written:
		s.ownWatch = a.kind != ended && a.found
		s.gone, s.used = !s.ownWatch, false
		if a.kind == read {
			s.open--
		}
	case a.kind == written:
		s.used = true
		s.ask(message{kind: reread, node: own})
	case a.node == s.waits && (a.kind == ended || !a.found):
		s.over = true
	}
	if a.kind == read && a.node == s.waits && s.phase == asking {
		s.open--
	}
	m.advance(&s)
	step("the client receives "+[]string{list: "a list", read: "the answer to a read", reread: "the answer to the second read of its node",
		ended: "the end of a node", written: "a write to its node"}[a.kind], s)
}

// listed takes a list, alone or in a packet.
func (m turnModel) listed(s *turnState, a message) {
	if s.phase == asking {
		s.open--
	}
	s.view = a.shows &^ bit(own)
	if a.shows&bit(own) == 0 && !m.rules.NoOwnInList {
		s.gone = true
	}
	if s.phase == listing {
		s.phase = entered
	}
}

// advance goes to the next phase, if its reason is there.
func (m turnModel) advance(s *turnState) {
	switch {
	case s.gone:
		s.phase = rejoins
	case s.phase == far && s.over && m.rules.TrustsTheOneBefore:
		s.view = bit(last(s.view))
		m.prepare(s, false)
	case s.phase == far && s.over:
		m.prepare(s, true)
	case s.phase == apart && s.over:
		s.phase, s.over = listing, false
		s.ask(message{kind: list})
	case s.phase == asking && s.open == 0 && s.withList && s.view != bit(s.waits):
		s.phase = entered // it shows others before ours
	case s.phase == asking && s.open == 0:
		s.phase = prepared
		m.advance(s)
	case s.phase == prepared && s.over && m.lasts(s):
		s.phase = holding
	case s.phase == prepared && s.over:
		s.phase, s.over = listing, false
		s.ask(message{kind: list})
	}
}

// lasts is Turn.Lasts.
func (m turnModel) lasts(s *turnState) bool {
	return (s.same || m.rules.AcrossConnections) && (!s.used || m.rules.UsedWatch) && (s.ownWatch || m.rules.NoOwnWatch)
}

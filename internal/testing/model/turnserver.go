package model

// server applies the next change, or executes the next request.
func (m turnModel) server(s turnState, step func(string, turnState)) {
	if s.answers[len(s.answers)-1].kind != noMessage {
		return // the connection is full
	}
	if s.applied < s.length {
		to := s
		entry := to.history[to.applied]
		to.applied++
		switch {
		case entry == ownWrite && to.watched&bit(own) != 0:
			to.watched &^= bit(own)
			to.send(message{kind: written, node: own})
		case entry != ownWrite && to.watched&bit(entry) != 0:
			to.watched &^= bit(entry)
			to.send(message{kind: ended, node: entry})
		}
		step("the server applies a change", to)
	}
	r := s.requests[0]
	if r.kind == noMessage {
		return
	}
	to := s
	copy(to.requests[:], to.requests[1:])
	to.requests[len(to.requests)-1] = message{}
	r.zxid = to.applied
	switch r.kind {
	case list:
		for node := int8(1); node <= own; node++ {
			if (node <= int8(m.bounds.Before) || node == own) && to.exists(node, to.applied) {
				r.shows |= bit(node)
			}
		}
	case read, reread:
		if r.found = to.exists(r.node, to.applied); r.found {
			to.watched |= bit(r.node)
		}
	case watches:
		m.setWatches(s, to, r.shows, step)
		return
	}
	to.send(r)
	step("the server executes a request", to)
}

// setWatches sets the watches of the connection before, in a bit set. The server
// sends an event for each node that has changed since the newest answer. It
// sends them in any order.
func (m turnModel) setWatches(s, to turnState, set int8, step func(string, turnState)) {
	var events []message
	for node := int8(1); node <= own; node++ {
		if set&bit(node) == 0 {
			continue
		}
		changed := false
		for _, entry := range to.history[to.newest:max(to.applied, to.newest)] {
			changed = changed || entry == ownWrite && node == own
		}
		switch {
		case !to.exists(node, to.applied):
			events = append(events, message{kind: ended, node: node})
		case changed:
			events = append(events, message{kind: written, node: node})
		default:
			to.watched |= bit(node)
		}
	}
	if s.room() < len(events) {
		return
	}
	permute(events, func(order []message) {
		done := to
		for _, e := range order {
			done.send(e)
		}
		step("the server sets the watches of the connection before", done)
	})
}

// permute calls f with every order of the messages.
func permute(all []message, f func([]message)) {
	var from func(int)
	from = func(i int) {
		if i >= len(all) {
			f(all)
			return
		}
		for j := i; j < len(all); j++ {
			all[i], all[j] = all[j], all[i]
			from(i + 1)
			all[i], all[j] = all[j], all[i]
		}
	}
	from(0)
}

func (s *turnState) room() (n int) {
	for _, a := range s.answers {
		if a.kind == noMessage {
			n++
		}
	}
	return n
}

func (s *turnState) send(a message) {
	for i := range s.answers {
		if s.answers[i].kind == noMessage {
			s.answers[i] = a
			return
		}
	}
}

func (s *turnState) ask(r message) {
	for i := range s.requests {
		if s.requests[i].kind == noMessage {
			s.requests[i] = r
			return
		}
	}
}

// reconnect loses the connection with all that is on it. The next server has at
// least what the newest answer showed. The client first sets its watches again,
// and then repeats its requests.
func (m turnModel) reconnect(s turnState, step func(string, turnState)) {
	for applied := s.newest; applied <= s.length; applied++ {
		to := s
		to.connections++
		to.applied, to.watched, to.requests, to.answers = applied, 0, [5]message{}, [6]message{}
		var set int8
		if to.ownWatch && !to.used && !to.gone {
			set |= bit(own)
		}
		if to.phase == prepared && !to.over {
			set |= bit(to.waits)
		}
		if set != 0 {
			to.ask(message{kind: watches, shows: set})
		}
		if to.used {
			to.ask(message{kind: reread, node: own})
		}
		to.same = false
		switch to.phase {
		case far, apart:
			// A client whose read is answered has a watch to be set again. To read
			// again shows the same.
			to.ask(message{kind: read, node: to.waits})
		case asking:
			m.prepare(&to, to.withList)
		case listing:
			to.ask(message{kind: list})
		}
		step("the connection is lost, and there is another", to)
	}
}

package model

// exchange is an answered request, as ages.
type exchange struct {
	written, answered int8
	hello             bool // reported before every proof
	known             bool // otherwise there is no exchange
}

// heard is what a client remembers of its connection: answered requests, the
// oldest first.
type heard [3]exchange

func onlyHello(age int8) heard { return heard{{written: age, hello: true, known: true}} }

// reported returns the age of the newest request that was answered at the given
// age or before.
func (h heard) reported(answered int8) (written int8, known bool) {
	for _, e := range h {
		if !e.known || !e.hello && e.answered < answered {
			break
		}
		written, known = e.written, true
	}
	return written, known
}

// add notes an exchange. Of several at one time the last is kept. Without room
// the newest is replaced: a client may always know less.
func (h *heard) add(e exchange, room int) {
	e.known = true
	for i := range h {
		if i == room-1 || !h[i].known || h[i].answered == 0 && !h[i].hello {
			h[i] = e
			return
		}
	}
}

// later makes everything a twelfth older. It drops what no later proof uses, so
// that equal situations are equal states: what was reported before the
// outstanding request was written, except for the newest, and what is too old
// to move a deadline.
func (h *heard) later(outstanding int8) {
	useless := 0
	for i := range h {
		e := &h[i]
		if !e.known {
			break
		}
		e.written = older(e.written)
		if !e.hello {
			e.answered = older(e.answered)
		}
		if !e.hello && e.answered > outstanding+halfTick {
			useless = i
		}
	}
	for useless < len(h) && h[useless].known && h[useless].written >= afterReport && (!h[useless].hello || useless+1 < len(h) && h[useless+1].known) {
		useless++
	}
	copy(h[:], h[useless:])
	clear(h[len(h)-useless:])
}

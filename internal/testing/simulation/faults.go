package simulation

import (
	"fmt"
	"time"

	"github.com/docent-go/docent/zktest"
)

var ways = []zktest.Direction{zktest.ToServer, zktest.ToClient, zktest.Both}

// disturb injects one fault, or heals some.
func (w *World) disturb() {
	d := w.dice
	p := w.procs[d.N(len(w.procs))]
	var id int64
	if sessions := w.Srv.Sessions(); len(sessions) > 0 {
		id = sessions[d.N(len(sessions))].ID
	}
	kinds := 24
	switch {
	case w.Restores:
		kinds = 32
	case w.Forced:
		kinds = 28
	}
	kind := d.N(kinds)
	w.Log("fault %d at process %d", kind, p.Index)
	switch kind {
	case 0, 1:
		p.Cut(ways[d.N(len(ways))])
	case 2, 3, 4:
		for _, p := range w.procs {
			if d.N(3) > 0 {
				p.Cut(0)
				p.Link.Refuse(false)
				p.Link.Delay(0)
			}
		}
		if d.N(3) > 0 {
			w.stepDown()
		}
		if d.N(3) > 0 {
			w.prompt()
		}
	case 5:
		p.Link.Disconnect()
	case 6:
		p.Link.Refuse(true)
		p.Link.Disconnect()
	case 7:
		w.Srv.Freeze()
		time.Sleep(d.UpTo(3 * time.Second))
		w.Srv.Thaw()
	case 8:
		w.Srv.Lag(id)
		time.Sleep(d.UpTo(2 * time.Second))
		w.Srv.CatchUp(id)
	case 9:
		w.Srv.Lag(id) // until a sync or a write of the session, or a restart
	case 10:
		p.Link.Delay(d.UpTo(200 * time.Millisecond))
	case 11:
		w.Srv.Restart()
	case 12:
		w.Srv.HangHandshakes(true)
		p.Link.Disconnect()
		time.Sleep(d.UpTo(time.Second))
		w.Srv.HangHandshakes(false)
	case 13:
		p.Pause(d.UpTo(p.timeout))
	case 14:
		p.Pause(d.UpTo(4 * p.timeout))
	case 15:
		w.Srv.Disconnect(id)
	case 16, 17:
		w.depose()
	case 18:
		w.Srv.SlowQuorum(d.UpTo(time.Second))
	case 19:
		w.Srv.LoseQuorum(true)
		time.Sleep(d.UpTo(2 * time.Second))
		w.Srv.LoseQuorum(false)
	case 20:
		w.Srv.LoseQuorum(true) // until prompt
	case 21:
		w.prompt()
	case 22:
		w.throttle(!w.throttles())
	case 23:
		w.Srv.ReplaceSessions(true)
		p.Link.Disconnect()
		time.Sleep(d.UpTo(time.Second))
		w.Srv.ReplaceSessions(false)
	case 24, 25:
		w.Srv.Expire(id)
	case 26, 27:
		if !w.Restores { // what another client has deleted may come back unnoticed
			w.removeSome()
		}
	case 28, 29:
		w.backup = w.Srv.Backup()
	default:
		w.restore()
	}
}

// restore restores the newest backup. A deposed leader has stepped down then.
func (w *World) restore() {
	if w.backup == nil {
		return
	}
	w.Srv.Restore(w.backup)
	w.deposed = nil
}

// depose leaves some processes with a deposed leader.
func (w *World) depose() {
	w.stepDown()
	var links []*zktest.Link
	for _, p := range w.procs {
		if w.dice.N(2) > 0 {
			links = append(links, p.Link)
		}
	}
	w.deposed = w.Srv.Depose(links...)
}

// stepDown makes a deposed leader step down.
func (w *World) stepDown() {
	if w.deposed != nil {
		w.deposed.StepDown()
		w.deposed = nil
	}
}

// prompt gives the quorum back, and stops the throttling.
func (w *World) prompt() {
	w.Srv.SlowQuorum(0)
	w.Srv.LoseQuorum(false)
	w.throttle(false)
}

// throttle makes the servers throttle every third request, or none.
func (w *World) throttle(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.throttled = on
}

func (w *World) throttles() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.throttled
}

// removeSome deletes an ephemeral node, as another client might.
func (w *World) removeSome() {
	var all []string
	for _, s := range w.Srv.Sessions() {
		all = append(all, s.Ephemerals...)
	}
	if len(all) == 0 {
		return
	}
	path := all[w.dice.N(len(all))]
	node, found := w.Srv.Node(path)
	if !found || w.Srv.Remove(path) != nil {
		return // the session has deleted it
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.robbed[node.Stat.Czxid] = true
}

// Robbed reports whether another client has removed the node of the hold with
// the token.
func (w *World) Robbed(token int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.robbed[token]
}

// request decides the fate of a request. It depends on the request alone. So
// the order in which the server hears the sessions does not matter.
func (w *World) request(q zktest.Request) zktest.Action {
	if w.calmed() || q.Op == zktest.OpCloseSession || q.Op == zktest.OpPing {
		return zktest.Pass
	}
	d := w.Dice(fmt.Sprint("request ", q.Session, q.Xid, q.Op, time.Since(w.began)))
	switch d.N(120) {
	case 0:
		return zktest.DropRequest
	case 1, 2:
		return zktest.LoseReply
	case 3:
		return zktest.Delay(d.UpTo(2 * time.Second))
	case 4:
		return zktest.Fail(zktest.CodeThrottledOp)
	}
	if w.throttles() && d.One(3) {
		return zktest.Fail(zktest.CodeThrottledOp)
	}
	return zktest.Pass
}

func (w *World) calmed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calm
}

// quiet ends all faults.
func (w *World) quiet() {
	w.mu.Lock()
	w.calm = true
	w.mu.Unlock()
	w.Srv.Thaw()
	w.Srv.HangHandshakes(false)
	w.stepDown()
	w.prompt()
	for _, p := range w.procs {
		p.Cut(0)
		p.Link.Refuse(false)
		p.Link.Delay(0)
	}
	for _, s := range w.Srv.Sessions() {
		w.Srv.CatchUp(s.ID)
	}
	w.Log("all faults are healed")
	for _, p := range w.procs {
		p.point()
	}
	time.Sleep(w.dice.UpTo(30*time.Second) + 10*time.Second) // lost sessions are replaced
}

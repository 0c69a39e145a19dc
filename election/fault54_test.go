package election_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// asked reports whether the leader is asked to step down.
func asked(t *election.Term) bool {
	select {
	case <-t.Transferred():
		return true
	case <-time.After(time.Minute):
		return false
	}
}

// TestFault54_AnOldTransferComesBack: its operator is cut off for minutes.
// Meanwhile another operator's transfer is fulfilled.
func TestFault54_AnOldTransferComesBack(t *testing.T) {
	for _, newer := range []bool{true, false} {
		inWorld(t, func(t *testing.T, w *world) {
			op := w.process()
			term := w.process().lead("a")
			b := w.process().campaign("b")
			w.process().campaign("c")
			old := op.transfer("c")
			op.Link.Cut(zktest.Both)
			time.Sleep(time.Minute)
			if newer {
				second := w.process().transfer("b")
				require.NoError(t, term.Resign())
				require.NoError(t, second.result())
			} else {
				require.NoError(t, term.Resign()) // b comes next by itself
			}
			leader := b.Get()
			op.Link.Heal()
			err := old.result()
			require.ErrorIs(t, err, election.ErrInterrupted)
			require.ErrorIs(t, err, session.ErrSessionEnded)
			require.ErrorContains(t, err, `"b" leads`)
			require.False(t, asked(leader), "an old request deposes the leader of a newer one")
			require.False(t, w.requested())
		})
	}
}

// TestFault54_ALateRequest: the request of an older Transfer arrives after a
// newer one was fulfilled, in the same session.
func TestFault54_ALateRequest(t *testing.T) {
	for _, newer := range []string{"b", "a"} {
		inWorld(t, func(t *testing.T, w *world) {
			op := w.process()
			term := w.process().lead("a")
			b := w.process().campaign("b")
			w.process().campaign("c")
			let := make(chan struct{})
			held := false
			w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if held || r.Op != zktest.OpCreate && r.Op != zktest.OpMulti {
					return zktest.Pass
				}
				held = true
				return zktest.Hold(let)
			})
			old := op.transfer("c")
			require.True(t, held)
			second := w.process().transfer(newer)
			if newer == "b" {
				require.NoError(t, term.Resign())
			}
			require.NoError(t, second.result())
			leader := term
			if newer == "b" {
				leader = b.Get()
			}
			close(let)
			require.ErrorIs(t, old.result(), election.ErrTransferSuperseded)
			require.False(t, asked(leader))
			require.False(t, w.requested())
		})
	}
}

// TestFault54_TheLeaderStays: a Transfer to the present leader is a request
// like any other. It ends an older one that has not been fulfilled.
func TestFault54_TheLeaderStays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		term := w.process().lead("a")
		b := w.process().campaign("b")
		w.process().campaign("c")
		old := w.process().transfer("c")
		require.NoError(t, w.process().transfer("a").result())
		require.ErrorIs(t, old.result(), election.ErrTransferSuperseded)
		require.False(t, w.requested())
		require.NoError(t, term.Resign())
		b.Get()
	})
}

// TestFault55_OneOperator: a request that ends otherwise than by another
// operator's does not say so.
func TestFault55_OneOperator(t *testing.T) {
	for name, end := range map[string]func(w *world, op *process){
		"the session ends on a live connection": func(w *world, op *process) { w.Srv.Expire(op.Current().ID()) },
		"the session ends on a connection that breaks": func(w *world, op *process) {
			op.Link.Cut(zktest.Both)
			time.Sleep(time.Minute)
			op.Link.Heal()
		},
		"the next session ends too": func(w *world, op *process) {
			first, reached, let := op.Current().ID(), make(chan struct{}), make(chan struct{})
			w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if r.Op != zktest.OpMulti || r.Session == first {
					return zktest.Pass
				}
				select {
				case <-reached:
					return zktest.Pass
				default:
					close(reached)
					return zktest.Hold(let)
				}
			})
			w.Srv.Expire(first)
			<-reached
			w.Srv.Expire(op.Current().ID())
			close(let)
		},
		"a stranger deletes the request": func(w *world, op *process) {
			require.NoError(w, w.Srv.Remove(dir+"/transfer"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				op := w.process()
				term := w.process().lead("a")
				b := w.process().campaign("b")
				w.process().campaign("c")
				tr := op.transfer("c")
				require.True(t, w.requested())
				end(w, op)
				err := tr.result()
				require.NotErrorIs(t, err, election.ErrTransferSuperseded)
				require.ErrorIs(t, err, election.ErrInterrupted)
				require.False(t, w.requested())
				require.NoError(t, term.Resign())
				b.Get()
			})
		})
	}
}

// TestFault55_FulfilledWhileCutOff: what came of a request is looked for in the
// next session.
func TestFault55_FulfilledWhileCutOff(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		op := w.process()
		term := w.process().lead("a")
		w.process().run("b")
		c := w.process().campaign("c")
		tr := op.transfer("c")
		op.Link.Cut(zktest.Both)
		require.NoError(t, term.Resign())
		c.Get()
		time.Sleep(time.Minute)
		op.Link.Heal()
		require.NoError(t, tr.result())
	})
}

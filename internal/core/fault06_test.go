package core_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
)

// A stranger deletes the node of a claim, and the owner's server lags. The
// event is late, and the next owner's node exists at the path. The first owner
// does not touch that node.
func TestFault06_ClaimsLeaveTheNextNodeAlone(t *testing.T) {
	for name, give := range map[string]func(w *world, n *core.Node, h *core.Hold) error{
		"release": func(_ *world, _ *core.Node, h *core.Hold) error { return h.Release() },
		"remove":  func(w *world, n *core.Node, _ *core.Hold) error { return n.Remove(w.Context()) },
		"abandon": func(_ *world, n *core.Node, _ *core.Hold) error { n.Abandon(); return nil },
	} {
		for kind, open := range map[string]func(w *world, s *core.Session) *core.Node{
			"claim": func(w *world, s *core.Session) *core.Node {
				n, err := s.Claim(w.Context(), "/x", nil)
				require.NoError(w, err)
				return n
			},
			"own": func(w *world, s *core.Session) *core.Node {
				_, err := s.Create(w.Context(), "/x", nil, core.Ephemeral)
				require.NoError(w, err)
				n, err := s.Own("/x")
				require.NoError(w, err)
				return n
			},
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				inWorld(t, func(w *world) {
					a, b := w.process(), w.process()
					n := open(w, a.session())
					stat, err := n.Watch(w.Context())
					require.NoError(w, err)
					h, err := n.Hold(w.Context(), stat.Czxid)
					require.NoError(w, err)
					w.Srv.Lag(a.session().ID())
					require.NoError(w, w.Srv.Remove("/x"))
					_, err = b.session().Claim(w.Context(), "/x", []byte("theirs"))
					require.NoError(w, err)
					require.NoError(w, h.Err(), "the event is late")
					if err := give(w, n, h); err != nil {
						require.ErrorIs(w, err, core.ErrDeleted)
					}
					time.Sleep(time.Minute)
					now, found := w.Srv.Node("/x")
					require.True(w, found)
					require.Equal(w, "theirs", string(now.Data))
				})
			})
		}
	}
}

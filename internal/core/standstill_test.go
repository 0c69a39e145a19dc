package core_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
)

// A loss right after this process stood still says so. The deadline and the
// servers do not know it.
func TestLossAfterAStandstill(t *testing.T) {
	const told = ": this process stood still for at least 8s"
	for name, c := range map[string]struct {
		still, later time.Duration
		told         bool
	}{
		"none":              {},
		"short":             {still: time.Second},
		"long":              {still: 8 * time.Second, told: true},
		"long, and earlier": {still: 8 * time.Second, later: time.Minute},
	} {
		for loss, lose := range map[string]struct {
			cause error
			f     func(w *world, p *process)
		}{
			"deadline": {core.ErrTrustElapsed, func(_ *world, p *process) { core.PassDeadline(p.session()) }},
			"expired":  {core.ErrExpired, func(w *world, p *process) { p.link.Disconnect(); w.Srv.Expire(p.session().ID()) }},
			"deleted":  {core.ErrDeleted, func(w *world, _ *process) { require.NoError(w, w.Srv.Remove("/locks/a/"+w.Children("/locks/a")[0])) }},
		} {
			t.Run(loss+" "+name, func(t *testing.T) {
				inWorld(t, func(w *world) {
					p := w.process()
					h := p.enter("/locks/a")
					time.Sleep(time.Second) // the znode is watched
					core.StandStill(h.Session(), c.still)
					time.Sleep(c.later)
					lose.f(w, p)
					if loss != "deadline" {
						<-h.Done()
					}
					err := h.Err()
					require.ErrorIs(w, err, lose.cause)
					require.ErrorIs(w, err, core.ErrLost)
					require.ErrorIs(w, context.Cause(h.Context()), lose.cause)
					if c.told {
						require.ErrorContains(w, err, told)
					} else {
						require.NotContains(w, err.Error(), "stood still")
					}
				})
			})
		}
	}
	inWorld(t, func(w *world) {
		p := w.process()
		s := p.session()
		core.StandStill(s, 8*time.Second)
		p.link.Refuse(true)
		p.link.Disconnect()
		synctest.Wait()
		require.EqualError(w, p.health().Err, "the server has closed the connection"+told)
	})
}

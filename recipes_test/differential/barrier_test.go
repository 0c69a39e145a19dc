//go:build unix

package differential

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/session"
)

// A gate of Curator's or kazoo's is any znode: it is closed for Docent too,
// whatever it holds. Lift opens those that these libraries make, and leaves
// others alone.
func TestGate(t *testing.T) {
	p, d, c := newPlace(t), throw(t), newTally(t)
	gate := barrier.New(p.Manager, "/gate")
	for range amount(t) {
		data := pick(d, d.payload(), d.payload(), nil, []byte("10.0.0.1"), []byte("127.0.0.1"), []byte("::1"), []byte("fe80:0:0:0:1:2:3:4%eth0"))
		_, err := p.Create(p.ctx, "/gate", data, session.Persistent)
		require.NoError(t, err)
		set, err := gate.IsSet(p.ctx)
		require.NoError(t, err)
		err = gate.Lift(p.ctx)
		o := outcome{alike: set && err == nil, what: fmt.Sprintf("set: %v; lift: %v", set, err)}
		if errors.Is(err, session.ErrForeign) && set {
			o.explained = "gate with other data"
			require.NoError(t, p.Delete(p.ctx, "/gate", -1))
		}
		c.count(o, data)
	}
	c.needs("gate with other data")
}

package main

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// A driver that ends loses its own figure, but not the figures of later rows.
func TestDriverEnds(t *testing.T) {
	l := newLab(t.Context())
	defer l.close()
	d := &driver{target: "nowhere"}
	require.NoError(t, d.start(exec.Command("sh", "-c", `read line; echo ok 5000 2; read line; exit 1`)))
	l.drivers[curator] = d
	e := env{Context: t.Context(), lab: l}
	s, err := ask(e, curator, "/p", task{verb: "lock"})
	require.NoError(t, err)
	require.Equal(t, 2, s.ops)
	_, err = ask(e, curator, "/p", task{verb: "lock"})
	require.ErrorContains(t, err, "the driver has ended")
	require.Empty(t, l.drivers)
}

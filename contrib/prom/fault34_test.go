package prom_test

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/contrib/prom"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// A name with any bytes is a label, and does not panic on the goroutine that
// acquires.
func FuzzFault34_Names(f *testing.F) {
	for _, name := range []string{"orders", "", "\xff\xfeorders", "a\x00b", "\u202eevil\n{}\"", "\xed\xa0\x80"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		c := prom.New(prom.Names(func(string) string { return name }))
		h := session.HoldInfo{Path: "/locks/" + name}
		c.OnWait(t.Context(), session.WaitInfo{Path: h.Path})(session.WaitEnd{})
		c.OnAcquired(h)
		c.OnReleased(h)
		_, err := c.Service(name, fixed{naming.NewView()})
		require.Equal(t, name != "" && utf8.ValidString(name), err == nil)
		require.NotEmpty(t, values(t, c))
	})
}

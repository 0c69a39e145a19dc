package owner_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/session"
)

func TestData(t *testing.T) {
	d := owner.New("a")
	d.Parents, d.Place = []session.ID{0x1f}, "p"
	back, ours := owner.Parse(d.Encode())
	require.True(t, ours)
	require.Equal(t, d, back)
	require.Equal(t, os.Getpid(), back.PID)
	require.Contains(t, string(d.Encode()), `"under":["0x1f"]`)
	require.Equal(t, owner.DefaultID(), owner.New("").ID)
	require.NotContains(t, string(owner.Process().Encode()), "id\":\"")

	for _, data := range []string{"", "10.0.0.1", "{}", `{"id":"a"}`, `{"host":"h"}`, `{"host":"h","pid":0}`, `[1]`, `{"host":1,"pid":1}`} {
		_, ours := owner.Parse([]byte(data))
		require.False(t, ours, data)
	}
}

func TestDescribe(t *testing.T) {
	stat := core.Stat{Ctime: 1700000000000, Czxid: 7, EphemeralOwner: 0x10}
	want := session.Owner{Path: "/p", Session: 0x10, Token: 7, Since: time.UnixMilli(1700000000000)}

	d := owner.New("a")
	ours := want
	ours.ID, ours.Host, ours.PID = "a", d.Host, d.PID
	require.Equal(t, ours, owner.Describe("/p", d.Encode(), stat))

	other := want
	other.ID = "10.0.0.1"
	require.Equal(t, other, owner.Describe("/p", []byte("10.0.0.1"), stat))
	require.Equal(t, want, owner.Describe("/p", []byte{0, 1}, stat))
	require.Equal(t, session.Owner{Path: "/p"}, owner.Describe("/p", nil, core.Stat{}), "a stat that is withheld")
	require.Empty(t, owner.Text([]byte(strings.Repeat("x", 257))))
}

func TestSamePresence(t *testing.T) {
	in := session.Presence{In: true, Token: 1, Session: 2}
	out := session.Presence{Err: errors.New("gone"), Token: 1}
	again := session.Presence{Err: errors.New("gone"), Token: 1}
	require.True(t, owner.SamePresence(in, in))
	require.True(t, owner.SamePresence(out, again))
	again.Err = errors.New("replaced")
	require.False(t, owner.SamePresence(out, again))
	require.False(t, owner.SamePresence(out, session.Presence{Token: 1}))
	require.False(t, owner.SamePresence(in, out))
}

//go:build unix

package differential

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/session"
)

// memberName makes the name of a member's znode.
func (d dice) memberName() string {
	return pick(d, "m", "host", "é", "a b", " ", "😀", "_c_", "ready", "%2F", "a.b", "..", "…", "-", "|", "\u00a0", "\u202e", "member-")
}

// The members that Curator's GroupMember sees, with their payloads, are those
// that Docent sees.
func TestMembers(t *testing.T) {
	p, d, c := newPlace(t), throw(t), newTally(t)
	java := curator(t)
	for done := 0; done < amount(t); done += 500 {
		path := fmt.Sprintf("/group%d", done)
		require.NoError(t, p.EnsureDir(p.ctx, path))
		var ops []session.Op
		persistent := make(map[string]bool)
		for i := range min(500, amount(t)-done) {
			name, mode := fmt.Sprintf("%s%d", d.memberName(), i), session.Ephemeral
			if d.in(20) {
				persistent[name], mode = true, session.Persistent
			}
			if znode.ValidateName(name) == nil {
				ops = append(ops, session.CreateOp(path+"/"+name, d.payload(), mode))
			}
		}
		for some := range slices.Chunk(ops, 100) {
			_, err := p.Txn(p.ctx, some...)
			require.NoError(t, err)
		}
		members, err := groupmembership.NewGroup(p.Manager, path).Members(p.ctx)
		require.NoError(t, err)
		ours := make(map[string]string)
		for _, m := range members {
			ours[m.ID] = hex.EncodeToString(m.Payload)
		}
		theirs := java.Ask(t, "group", fmt.Appendf(nil, "%s\n%s\n%d", p.addr, path, len(ops)))[0]
		require.False(t, theirs.Refused, theirs.Text)
		lines := strings.Split(strings.TrimSuffix(theirs.Text, "\n"), "\n")
		require.Len(t, lines, len(ops))
		for _, line := range lines {
			id, payload, _ := strings.Cut(line, " ")
			name, err := hex.DecodeString(id)
			require.NoError(t, err)
			got, listed := ours[string(name)]
			o := outcome{alike: listed && got == payload, what: fmt.Sprintf("%q has %s for Curator, %s (%v) for Docent", name, payload, got, listed)}
			if persistent[string(name)] && !listed {
				o.explained = "persistent member"
			}
			c.count(o, name)
			delete(ours, string(name))
		}
		require.Empty(t, ours, "members that Curator does not see")
	}
	c.needs("persistent member")
}

// payload is what members, contenders and others write into their znodes.
func (d dice) payload() []byte {
	return pick(d, nil, []byte("10.0.0.1"), d.bytes(20), []byte(d.text()), []byte(strings.Repeat("x", d.IntN(300))), []byte(`{"id":"a","host":"h","pid":7}`), []byte("__REVOKE__"))
}

// The id of a candidate or contender that Java makes of a znode's data is the
// id that Docent shows.
func TestOwnerID(t *testing.T) {
	java, d, c := curator(t), throw(t), newTally(t)
	for done := 0; done < amount(t); done += atOnce {
		values := make([][]byte, min(atOnce, amount(t)-done))
		for i := range values {
			values[i] = d.payload()
		}
		for i, theirs := range java.Ask(t, "text", values...) {
			ours := owner.Describe("/p", values[i], core.Stat{})
			o := outcome{alike: ours.ID == theirs.Text || ours.Host != "", what: fmt.Sprintf("%q and %q", theirs.Text, ours.ID)}
			if ours.ID == "" && !o.alike {
				o.explained = "unprintable id"
			}
			c.count(o, values[i])
		}
	}
	c.needs("unprintable id")
}

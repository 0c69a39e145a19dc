package zktest_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

var (
	// mine grants everything to the owner alone.
	mine = join(i4(1), i4(31), str("auth"), str(""))
	// blind grants everything to the owner, and all but read to others.
	blind = join(i4(2), i4(31), str("auth"), str(""), i4(30), str("world"), str("anyone"))
)

// owned opens two sessions: one of the owner of the hidden znodes, and one of
// another client.
func owned(t *testing.T, s *zktest.Server) (owner, other *raw) {
	owner, other = rawSession(t, s), rawSession(t, s)
	require.Equal(t, zktest.CodeOK, owner.ask(zktest.OpAuth, i4(0), str("digest"), str("owner:secret")).code)
	return owner, other
}

func (r *raw) must(op zktest.Op, body ...[]byte) {
	r.t.Helper()
	require.Equal(r.t, zktest.CodeOK, r.ask(op, body...).code)
}

// requireNoEvent requires that no watch event has been sent: the next frame
// answers a ping.
func (r *raw) requireNoEvent(why string) {
	r.t.Helper()
	r.send(zktest.OpPing)
	got, err := r.next()
	require.NoError(r.t, err)
	require.EqualValues(r.t, -2, got.xid, why)
}

func TestExistsNeedsRead(t *testing.T) {
	for release, test := range map[zktest.Release]struct {
		hidden  zktest.Code
		watches int
	}{
		zktest.V35: {zktest.CodeOK, 4},
		zktest.V38: {zktest.CodeOK, 4},
		zktest.V39: {zktest.CodeNoAuth, 2},
	} {
		t.Run(string(release), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := zktest.New(t, zktest.Version(release))
				owner, other := owned(t, s)
				owner.must(zktest.OpCreate, str("/hidden"), str("x"), mine, i4(0))
				owner.must(zktest.OpCreate, str("/blind"), str("x"), blind, i4(0))
				for path, code := range map[string]zktest.Code{
					"/hidden": test.hidden, "/blind": test.hidden, "/hidden/none": zktest.CodeNoNode, "/none": zktest.CodeNoNode,
				} {
					got := other.ask(zktest.OpExists, str(path), flag(true))
					require.Equal(t, code, got.code, path)
				}
				require.Equal(t, test.watches, s.Watches())
				owner.must(zktest.OpExists, str("/hidden"), flag(false))
				owner.must(zktest.OpCreate, str("/hidden/none"), str("x"), anyone, i4(0))
				require.Equal(t, "1 /hidden/none", other.event())
			})
		})
	}
}

// TestEventsNeedRead: an event about a znode that the client may not read uses
// up its watch and is not sent. A right granted later does not bring the event
// back.
func TestEventsNeedRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		owner, other := owned(t, s)
		acl := func(path string, list []byte) { owner.must(zktest.OpSetACL, str(path), list, i4(-1)) }
		for _, op := range []zktest.Op{zktest.OpExists, zktest.OpGetData, zktest.OpGetChildren} {
			owner.must(zktest.OpCreate, str("/a"), str("x"), anyone, i4(0))
			other.must(op, str("/a"), flag(true))
			acl("/a", mine)
			owner.must(zktest.OpSetData, str("/a"), str("y"), i4(-1))
			owner.must(zktest.OpCreate, str("/a/c"), str("x"), anyone, i4(0))
			require.Zero(t, s.Watches())
			acl("/a", anyone)
			owner.must(zktest.OpSetData, str("/a"), str("z"), i4(-1))
			owner.must(zktest.OpDelete, str("/a/c"), i4(-1))
			other.requireNoEvent("data, children")

			other.must(op, str("/a"), flag(true))
			acl("/a", mine)
			owner.must(zktest.OpDelete, str("/a"), i4(-1))
			other.requireNoEvent("deletion")

			other.ask(zktest.OpExists, str("/a"), flag(true))
			owner.must(zktest.OpCreate, str("/a"), str("x"), mine, i4(0))
			acl("/a", anyone)
			other.requireNoEvent("creation")
			owner.must(zktest.OpDelete, str("/a"), i4(-1))
		}
		owner.must(zktest.OpCreate, str("/p"), str("x"), anyone, i4(0))
		other.must(zktest.OpGetChildren, str("/p"), flag(true))
		owner.must(zktest.OpCreate, str("/p/hidden"), str("x"), mine, i4(0))
		require.Equal(t, "4 /p", other.event(), "a list of children needs the right to read the parent")
		other.must(zktest.OpGetChildren, str("/p"), flag(true))
		owner.must(zktest.OpDelete, str("/p/hidden"), i4(-1))
		require.Equal(t, "4 /p", other.event())

		other.must(zktest.OpAddWatch, str("/p"), i4(1))
		owner.must(zktest.OpCreate, str("/p/hidden"), str("x"), mine, i4(0))
		owner.must(zktest.OpCreate, str("/p/seen"), str("x"), anyone, i4(0))
		require.Equal(t, "1 /p/seen", other.event(), "a recursive watch checks the rights of each znode")
		acl("/p", mine)
		owner.must(zktest.OpDelete, str("/p/hidden"), i4(-1))
		owner.must(zktest.OpDelete, str("/p/seen"), i4(-1))
		require.Equal(t, "2 /p/seen", other.event(), "a recursive watch does not check the rights of the parent")
		other.requireNoEvent("no further event")
	})
}

package zktest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestUnknownVersion(t *testing.T) {
	for _, release := range []zktest.Release{"", "3", "3.8.0", "3.10"} {
		_, err := zktest.Start(zktest.Version(release))
		require.ErrorContains(t, err, "unknown; use V35, V38 or V39", release)
	}
}

// 3.5 has none of the requests that came with 3.6 and 3.7. 3.9 has no check
// outside of a multi.
func TestRequestsOfAVersion(t *testing.T) {
	path := str("/")
	bodies := map[zktest.Op][]byte{
		zktest.OpAddWatch: join(path, i4(0)), zktest.OpSetWatches2: join(i8(0), i4(0), i4(0), i4(0), i4(0), i4(0)),
		zktest.OpMultiRead: join(i4(-1), flag(true), i4(-1)), zktest.OpGetEphemerals: path, zktest.OpGetAllChildrenCount: path,
		zktest.OpWhoAmI: nil, zktest.OpCheck: join(path, i4(0)), zktest.OpGetData: join(path, flag(false)),
		zktest.OpCreate2: join(str("/a"), str(""), anyone, i4(0)), zktest.OpRemoveWatches: join(path, i4(3)),
	}
	for release, lacks := range map[zktest.Release][]zktest.Op{
		zktest.V35: {
			zktest.OpAddWatch, zktest.OpSetWatches2, zktest.OpMultiRead, zktest.OpGetEphemerals, zktest.OpGetAllChildrenCount, zktest.OpWhoAmI,
		},
		zktest.V38: nil,
		zktest.V39: {zktest.OpCheck},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := zktest.New(t, zktest.Version(release))
			var lacking []zktest.Op
			for op, body := range bodies {
				r := rawSession(t, s)
				if got := r.ask(op, body); got.code == zktest.CodeUnimplemented {
					lacking = append(lacking, op)
					r.requireClosed()
				}
			}
			require.ElementsMatch(t, lacks, lacking, release)
		})
	}
}

// 3.5 sends events to connections that may not read the znode.
func TestEventsOfAVersion(t *testing.T) {
	for release, told := range map[zktest.Release]bool{zktest.V35: true, zktest.V38: false, zktest.V39: false} {
		synctest.Test(t, func(t *testing.T) {
			s := zktest.New(t, zktest.Version(release))
			owner, other := owned(t, s)
			owner.must(zktest.OpCreate, str("/a"), str("x"), anyone, i4(0))
			other.must(zktest.OpGetData, str("/a"), flag(true))
			owner.must(zktest.OpSetACL, str("/a"), mine, i4(-1))
			owner.must(zktest.OpSetData, str("/a"), str("y"), i4(-1))
			if told {
				require.Equal(t, "3 /a", other.event())
			} else {
				other.requireNoEvent(string(release))
			}
		})
	}
}

// 3.5 looks for a znode before it checks the right to delete it, and takes an
// absent list of ACLs for a broken request.
func TestErrorsOfAVersion(t *testing.T) {
	for release, want := range map[zktest.Release][2]zktest.Code{
		zktest.V35: {zktest.CodeNoNode, zktest.CodeMarshallingError},
		zktest.V38: {zktest.CodeNoAuth, zktest.CodeInvalidACL},
		zktest.V39: {zktest.CodeNoAuth, zktest.CodeInvalidACL},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := zktest.New(t, zktest.Version(release))
			owner, other := owned(t, s)
			owner.must(zktest.OpCreate, str("/a"), str("x"), mine, i4(0))
			require.Equal(t, want[0], other.ask(zktest.OpDelete, str("/a/b"), i4(-1)).code, release)
			owner.must(zktest.OpCreate, str("/a/b"), str("x"), anyone, i4(0))
			require.Equal(t, zktest.CodeNoAuth, other.ask(zktest.OpDelete, str("/a/b"), i4(-1)).code, release)
			require.Equal(t, want[1], owner.ask(zktest.OpCreate, str("/c"), str("x"), i4(-1), i4(0)).code, release)
			require.Equal(t, want[1], owner.ask(zktest.OpSetACL, str("/a"), i4(-1), i4(-1)).code, release)
		})
	}
}

// ZooKeeper's own subtree may have containers too.
func TestContainersOfTheSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t, zktest.TTLNodes())
		r := rawSession(t, s)
		r.must(zktest.OpCreateContainer, str("/zookeeper/c"), str(""), anyone, i4(4))
		r.must(zktest.OpCreate, str("/zookeeper/c/child"), str(""), anyone, i4(0))
		r.must(zktest.OpDelete, str("/zookeeper/c/child"), i4(-1))
		r.must(zktest.OpCreateTTL, str("/zookeeper/quota/t"), str(""), anyone, i4(5), i8(1))
		time.Sleep(2 * time.Minute)
		for _, path := range []string{"/zookeeper/c", "/zookeeper/quota/t"} {
			_, found := s.Node(path)
			require.False(t, found, path)
		}
	})
}

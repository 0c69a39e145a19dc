package zktest_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// TestFailAnyRequest fails each kind of request with -127. The answer has the
// request's own xid and no body, and nothing is executed.
func TestFailAnyRequest(t *testing.T) {
	path := str("/a")
	read := join(path, flag(true))
	bodies := map[zktest.Op][]byte{
		zktest.OpCreate: createOf("/n", 1), zktest.OpCreate2: createOf("/n", 0), zktest.OpCreateContainer: createOf("/n", 4),
		zktest.OpCreateTTL: join(createOf("/n", 5), i8(1000)), zktest.OpDelete: join(path, i4(-1)), zktest.OpDeleteContainer: path,
		zktest.OpSetData: join(path, str("x"), i4(-1)), zktest.OpSetACL: join(path, anyone, i4(-1)), zktest.OpGetACL: path,
		zktest.OpExists: read, zktest.OpGetData: read, zktest.OpGetChildren: read, zktest.OpGetChildren2: read, zktest.OpSync: path,
		zktest.OpMulti: multiOf(zktest.OpDelete, path, i4(-1)), zktest.OpCheck: join(path, i4(-1)),
		zktest.OpMultiRead: multiOf(zktest.OpGetData, read), zktest.OpReconfig: join(i4(-1), i4(-1), path, i8(-1)),
		zktest.OpSetWatches: join(i8(0), i4(1), path, i4(0), i4(0)), zktest.OpAddWatch: join(path, i4(0)),
		zktest.OpSetWatches2:  join(i8(0), i4(1), path, i4(0), i4(0), i4(1), path, i4(0)),
		zktest.OpCheckWatches: join(path, i4(3)), zktest.OpRemoveWatches: join(path, i4(3)),
		zktest.OpGetEphemerals: path, zktest.OpGetAllChildrenCount: path, zktest.OpWhoAmI: nil, zktest.OpPing: nil,
		zktest.OpCloseSession: nil, zktest.OpAuth: join(i4(0), str("digest"), str("u:p")), zktest.OpSASL: str("x"),
	}
	xids := map[zktest.Op]int32{zktest.OpPing: -2, zktest.OpAuth: -4, zktest.OpSetWatches: -8, zktest.OpSetWatches2: -8}
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		require.NoError(t, s.Put("/a", []byte("was")))
		r := rawSession(t, s)
		before := s.Zxid()
		remove := s.Intercept(func(zktest.Request) zktest.Action { return zktest.Fail(zktest.CodeThrottledOp) })
		for op, body := range bodies {
			xid, own := xids[op]
			if !own {
				xid = int32(op)
			}
			r.write(i4(xid), i4(int32(op)), body)
			got, err := r.next()
			require.NoError(t, err, "%v", op)
			require.Equal(t, xid, got.xid, "%v", op)
			require.Equal(t, zktest.CodeThrottledOp, got.code, "%v", op)
			require.Empty(t, got.body, "%v", op)
		}
		remove()
		require.Equal(t, before, s.Zxid())
		require.Zero(t, s.Watches())
		require.Len(t, s.Sessions(), 1)
		n, _ := s.Node("/a")
		require.Equal(t, "was", string(n.Data))
		require.Equal(t, join(i4(1), str("ip"), str("127.0.0.1")), r.ask(zktest.OpWhoAmI).body, "the failed authentication added no identity")
		require.Empty(t, leftOut(bodies), "every kind has been tried")
	})
}

// leftOut lists the kinds of requests that a table leaves out.
func leftOut(bodies map[zktest.Op][]byte) []string {
	var missing []string
	for op := zktest.Op(-20); op < 200; op++ {
		if _, ok := bodies[op]; !ok && op != zktest.OpConnect && op.String()[:2] != "op" {
			missing = append(missing, op.String())
		}
	}
	return missing
}

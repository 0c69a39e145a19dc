package wire

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

var someACL = []ACL{{31, "world", "anyone"}, {1, "digest", "me:hash"}}

// aclBytes is the encoding of someACL.
var aclBytes = join(i32(2), i32(31), str("world"), str("anyone"), i32(1), str("digest"), str("me:hash"))

// Each request equals, byte for byte, what servers expect: xid and kind, then
// the record in zookeeper.jute for the kind.
func TestRequestsAreWhatServersRead(t *testing.T) {
	end := join(i32(-1), []byte{1}, i32(-1))
	part := func(op int32) []byte { return join(i32(op), []byte{0}, i32(-1)) }
	for _, c := range []struct {
		name string
		got  []byte
		kind int32
		want []byte
	}{
		{"exists", Read(OpExists, "/ä", false), 3, join(str("/ä"), []byte{0})},
		{"getData with a watch", Read(OpGetData, "/a", true), 4, join(str("/a"), []byte{1})},
		{"getChildren2", Read(OpGetChildren2, "/", true), 12, join(str("/"), []byte{1})},
		{"sync", OnPath(OpSync, "/a"), 9, str("/a")},
		{"getEphemerals", OnPath(OpGetEphemerals, "/a"), 103, str("/a")},
		{"getACL", OnPath(OpGetACL, "/a"), 6, str("/a")},
		{"create", Create(OpCreate, "/a", []byte("x"), someACL, 3), 1, join(str("/a"), str("x"), aclBytes, i32(3))},
		// Without data a znode is empty: Curator's GroupMember and kazoo fail where
		// the data are absent.
		{"create2 without data", Create(OpCreate2, "/a", nil, nil, 0), 15, join(str("/a"), i32(0), i32(0), i32(0))},
		{"create of empty data", Create(OpCreate, "/a", []byte{}, nil, 0), 1, join(str("/a"), i32(0), i32(0), i32(0))},
		{"createContainer", Create(OpCreateContainer, "/a", nil, someACL, 4), 19, join(str("/a"), i32(0), aclBytes, i32(4))},
		{"createTTL", CreateTTL("/a", []byte("x"), someACL, 5, 1<<40), 21, join(str("/a"), str("x"), aclBytes, i32(5), i64(1<<40))},
		{"delete", Delete("/a", 7), 2, join(str("/a"), i32(7))},
		{"setData", SetData("/a", []byte("x"), AnyVersion), 5, join(str("/a"), str("x"), i32(-1))},
		{"setData without data", SetData("/a", nil, 2), 5, join(str("/a"), i32(0), i32(2))},
		{"setACL", SetACL("/a", []ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}, 3), 7,
			join(str("/a"), i32(1), i32(31), str("world"), str("anyone"), i32(3))},
		{"auth", Auth("digest", []byte("me:pw")), 100, join(i32(0), str("digest"), str("me:pw"))},
		{"sasl", SASL([]byte("token")), 102, str("token")},
		{"sasl, an empty token", SASL([]byte{}), 102, i32(0)},
		{"whoAmI", WhoAmI(), 107, nil},
		{"check", Check("/a"), 14, join(part(13), str("/a"), i32(-1), end)},
		{"multi", Multi([]MultiOp{
			{Op: OpCreate, Path: "/a", Data: []byte("x"), ACL: someACL, Flags: 1},
			{Op: OpCreate2, Path: "/b"},
			{Op: OpDelete, Path: "/c", Version: 3},
			{Op: OpSetData, Path: "/d", Data: []byte("y"), Version: 4},
			{Op: OpCheck, Path: "/e", Version: 5},
		}), 14, join(
			part(1), str("/a"), str("x"), aclBytes, i32(1),
			part(15), str("/b"), i32(0), i32(0), i32(0),
			part(2), str("/c"), i32(3),
			part(5), str("/d"), str("y"), i32(4),
			part(13), str("/e"), i32(5), end)},
		{"multiRead", MultiRead([]MultiOp{{Op: OpGetData, Path: "/a"}, {Op: OpGetChildren, Path: "/b"}}), 22,
			join(part(4), str("/a"), []byte{0}, part(8), str("/b"), []byte{0}, end)},
		{"addWatch", AddWatch("/a", Persistent), 106, join(str("/a"), i32(0))},
		{"addWatch, recursive", AddWatch("/a", PersistentRecursive), 106, join(str("/a"), i32(1))},
		{"removeWatches of children", RemoveWatches("/a", ChildWatcher), 18, join(str("/a"), i32(1))},
		{"removeWatches of data", RemoveWatches("/a", DataWatcher), 18, join(str("/a"), i32(2))},
		{"removeWatches of any", RemoveWatches("/a", AnyWatcher), 18, join(str("/a"), i32(3))},
		{"setWatches", SetWatches(9, Watches{Data: []string{"/a", "/b"}, Exist: []string{"/c"}, Child: []string{"/d"}}), 101,
			join(i64(9), i32(2), str("/a"), str("/b"), i32(1), str("/c"), i32(1), str("/d"))},
		{"setWatches2", SetWatches(-1, Watches{Data: []string{"/a"}, Persistent: []string{"/p"}, Recursive: []string{"/q", "/r"}}), 105,
			join(i64(-1), i32(1), str("/a"), i32(0), i32(0), i32(1), str("/p"), i32(2), str("/q"), str("/r"))},
		{"setWatches2 for a recursive one", SetWatches(0, Watches{Recursive: []string{"/q"}}), 105,
			join(i64(0), i32(0), i32(0), i32(0), i32(0), i32(1), str("/q"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, frame(i32(0), i32(c.kind), c.want), c.got)
			require.Equal(t, 8+len(c.want), Size(c.got))
			SetXid(c.got, 1<<20+3)
			require.Equal(t, frame(i32(1<<20+3), i32(c.kind), c.want), c.got, "nothing but the xid changes")
			r, ok := ParseRequest(c.got)
			require.True(t, ok)
			require.Equal(t, Request{1<<20 + 3, Op(c.kind), append([]byte{}, c.want...)}, r)
		})
	}
}

// The announced size of a request equals its actual size.
func TestSizes(t *testing.T) {
	require.Equal(t, Size(Create(OpCreate2, "/a", []byte("x"), someACL, 3)), CreateSize("/a", []byte("x"), someACL))
	require.Equal(t, Size(Check("/a")), CheckSize("/a"))
	require.Equal(t, Size(Auth("digest", []byte("me:pw"))), AuthHeader+StringSize("digest")+BufferSize([]byte("me:pw")))
	all := Watches{Data: []string{"/a"}, Recursive: []string{"/b"}}
	require.Equal(t, Size(SetWatches(9, all)), SetWatchesHeader+2*StringSize("/a"))
	size := MultiSize
	var ops []MultiOp
	for _, op := range []Op{OpCreate, OpCreate2, OpDelete, OpSetData, OpCheck, OpGetData, OpGetChildren} {
		one := MultiOp{Op: op, Path: "/" + op.String(), Data: []byte("data"), ACL: someACL}
		ops, size = append(ops, one), size+one.Size()
		require.Equal(t, size, Size(Multi(ops)), op)
	}
}

// A request is made in one allocation of its exact size.
func TestRequestsAreMadeInOnePiece(t *testing.T) {
	path := "/a/path/of/some/length"
	for name, make := range map[string]func() []byte{
		"read":     func() []byte { return Read(OpExists, path, true) },
		"create":   func() []byte { return Create(OpCreate, path, []byte(path), someACL, 0) },
		"ttl":      func() []byte { return CreateTTL(path, []byte(path), someACL, 0, 1) },
		"set":      func() []byte { return SetData(path, []byte(path), 1) },
		"delete":   func() []byte { return Delete(path, 1) },
		"auth":     func() []byte { return Auth("digest", []byte(path)) },
		"sasl":     func() []byte { return SASL([]byte(path)) },
		"addWatch": func() []byte { return AddWatch(path, Persistent) },
		"remove":   func() []byte { return RemoveWatches(path, AnyWatcher) },
		"check":    func() []byte { return Check(path) },
	} {
		require.Len(t, make(), cap(make()), name)
	}
}

func TestParseRequestRefusesShortFrames(t *testing.T) {
	whole := Read(OpExists, "/a", false)
	for n := range whole {
		_, ok := ParseRequest(whole[:n])
		require.Equal(t, n >= 12, ok, "%d bytes", n)
	}
}

func TestSetHelloZxid(t *testing.T) {
	hello := frame(i32(0), i64(5), i32(8000), i64(0), str("password"))
	require.True(t, SetHelloZxid(hello, 1<<40))
	require.Equal(t, frame(i32(0), i64(1<<40), i32(8000), i64(0), str("password")), hello)
	short := append([]byte{}, hello[:15]...)
	require.False(t, SetHelloZxid(short, 7))
	require.Equal(t, hello[:15], short)
}

func FuzzParseRequest(f *testing.F) {
	f.Add(frame(i32(0), i64(77), i32(9000)))
	f.Add(Read(OpCreate, "/a", true))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Request
		var ok bool
		bounded(t, b, func() { r, ok = ParseRequest(b) })
		if ok != (len(b) >= 12) {
			t.Fatal("only the header decides")
		}
		if ok && (r.Xid != int32(binary.BigEndian.Uint32(b[4:])) || string(r.Body) != string(b[12:])) {
			t.Fatalf("%+v out of %x", r, b)
		}
	})
}

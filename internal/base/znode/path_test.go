package znode_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestValidate(t *testing.T) {
	for _, path := range []string{
		"/a", "/a/b", "/a.b", "/...", "/.a", "/a.", "/a/..b", "/a/b..", "/a b", "/_c_x", "/zookeeper2", "/a/zookeeper",
		"/äöü", "/日本", "/\u00a0", "/\ud7ff", "/\uf900", "/\uffef", "/~", "/%00", "/a\\b", "/a:b", "/" + strings.Repeat("x", 10_000),
	} {
		require.NoError(t, znode.Validate(path), "%q", path)
		require.NoError(t, znode.ValidateRoot(path), "%q", path)
	}
	for path, reason := range badPaths() {
		err := znode.Validate(path)
		var bad *znode.PathError
		require.ErrorAs(t, err, &bad, "%q", path)
		require.Equal(t, path, bad.Path)
		require.Contains(t, bad.Reason, reason, "%q", path)
		require.Contains(t, err.Error(), reason)
		require.Error(t, znode.ValidateRoot(path), "%q", path)
	}
}

// badPaths maps paths to a part of the reason for their rejection.
func badPaths() map[string]string {
	return map[string]string{
		"":                  "empty",
		"a":                 "relative",
		"a/b":               "relative",
		"./a":               "relative",
		"/a/":               "ends with /",
		"//":                "ends with /",
		"//a":               "empty segment",
		"/a//b":             "empty segment",
		"/.":                `"."`,
		"/..":               `".."`,
		"/a/./b":            `"."`,
		"/./a":              `"."`,
		"/a/../b":           `".."`,
		"/a/..":             `".."`,
		"/a\x00b":           "U+0000",
		"/a\nb":             "U+000A",
		"/\x1f":             "U+001F",
		"/\x7f":             "U+007F",
		"/\u0080":           "U+0080",
		"/\u009f":           "U+009F",
		"/\ue000":           "U+E000",
		"/a/\uf8ff":         "U+F8FF",
		"/\ufff0":           "U+FFF0",
		"/\ufffd":           "U+FFFD",
		"/\uffff":           "U+FFFF",
		"/\U00010000":       "U+10000",
		"/party/\U0001F600": "U+1F600",
		"/a\xff":            "UTF-8",
		"/\xed\xa0\x80":     "UTF-8", // a surrogate on its own
		"/\xc0\x80":         "UTF-8", // an overlong NUL
	}
}

func TestValidateKeepsReservedNodesFromRecipes(t *testing.T) {
	for path, reason := range map[string]string{
		"/":                 "root",
		"/zookeeper":        "reserved",
		"/zookeeper/quota":  "reserved",
		"/zookeeper/config": "reserved",
	} {
		require.ErrorContains(t, znode.Validate(path), reason, "%q", path)
		require.NoError(t, znode.ValidateRoot(path), "%q", path)
	}
}

func TestValidateName(t *testing.T) {
	for _, name := range []string{"a", "host-7", "a.b", "...", "ä", "lock-0000000001"} {
		require.NoError(t, znode.ValidateName(name), "%q", name)
	}
	for _, name := range []string{"", ".", "..", "a/b", "/", "/a", "a/", "a\x00", "\ue000", "\U0001F600", "\xff"} {
		var bad *znode.PathError
		require.ErrorAs(t, znode.ValidateName(name), &bad, "%q", name)
	}
}

func TestJoinAndSplit(t *testing.T) {
	for _, c := range []struct{ dir, name, path string }{
		{"/", "a", "/a"}, {"/a", "b", "/a/b"}, {"/a/b", "c", "/a/b/c"},
	} {
		require.Equal(t, c.path, znode.Join(c.dir, c.name))
		dir, name := znode.Split(c.path)
		require.Equal(t, c.dir, dir)
		require.Equal(t, c.name, name)
	}
}

// FuzzValidate asks a server about every path. The server accepts each path
// that is valid here, and rejects each path whose form is invalid here.
func FuzzValidate(f *testing.F) {
	srv := zktest.New(f)
	for _, path := range []string{"/", "/a", "/a/b", "/zookeeper/x", "/a.b", "/...", "/ä日", "/\U0001F600"} {
		f.Add(path)
	}
	for path := range badPaths() {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		err := znode.ValidateRoot(path)
		var bad *znode.PathError
		if err != nil && !errors.As(err, &bad) {
			t.Fatalf("%q: %T is not a *PathError", path, err)
		}
		if err != nil && znode.Validate(path) == nil {
			t.Fatalf("%q: Validate accepts what ValidateRoot refuses", path)
		}
		// Java reads invalid UTF-8 as U+FFFD, which it rejects.
		if !utf8.ValidString(path) {
			if err == nil {
				t.Fatalf("%q is not UTF-8 and is accepted", path)
			}
			return
		}
		if len(path) > 1<<16 {
			return
		}
		if code := create(t, srv, path); (code == 0 || code == nodeExists) != (err == nil) {
			t.Fatalf("%q: the server answers %d, ValidateRoot %v", path, code, err)
		}
	})
}

const nodeExists = -110

// create asks for a node and its parents byte by byte, without a client's
// checks. It returns the server's error code.
func create(t *testing.T, srv *zktest.Server, path string) int32 {
	t.Helper()
	conn, err := srv.Dial("tcp", "", time.Second)
	require.NoError(t, err)
	defer conn.Close()
	str := func(s string) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...) }
	i32 := func(n int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
	exchange(t, conn, i32(0), make([]byte, 8), i32(10_000), make([]byte, 8), str(string(make([]byte, 16))))
	code := int32(0)
	for i := range len(path) + 1 {
		if i == 0 && path != "" || i < len(path) && path[i] != '/' {
			continue
		}
		reply := exchange(t, conn, i32(1), i32(1), str(path[:i]), str(""), i32(1), i32(31), str("world"), str("anyone"), i32(0))
		if code = int32(binary.BigEndian.Uint32(reply[12:])); code != 0 && code != nodeExists {
			break
		}
	}
	exchange(t, conn, i32(2), i32(-11))
	return code
}

func exchange(t *testing.T, conn net.Conn, parts ...[]byte) []byte {
	t.Helper()
	var body []byte
	for _, p := range parts {
		body = append(body, p...)
	}
	_, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
	require.NoError(t, err)
	var head [4]byte
	_, err = io.ReadFull(conn, head[:])
	require.NoError(t, err)
	reply := make([]byte, binary.BigEndian.Uint32(head[:]))
	_, err = io.ReadFull(conn, reply)
	require.NoError(t, err)
	return reply
}

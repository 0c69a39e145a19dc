package wire

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// badNames are names that no server accepts, and badPaths such paths.
var (
	badNames = []string{
		"", ".", "..", "/", "a/b", "/a", "a/", "\x00", "a\x00", "a\nb", "\x1f", "\x7f", "\u0080", "\u009f", "\ue000", "\uf8ff", "\ufff0",
		"\ufffd", "\uffff", "\U00010000", "\U0001F600", "\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80", strings.Repeat("x", 1000) + "\x00",
	}
	badPaths = []string{
		"", "a", "a/b", "./a", "/a/", "//", "//a", "/a//b", "/.", "/..", "/a/./b", "/a/../b", "/a/..", "/a\x00", "/a\nb/c", "/a\xff",
		"/\ue000", "/\U0001F600", "/a/\xed\xa0\x80", strings.Repeat("/", 1000),
	}
)

func TestNamesAndPaths(t *testing.T) {
	for _, name := range badNames {
		require.False(t, ValidName(name), "%q", name)
		if name != "a/b" {
			require.False(t, ValidPath("/a/"+name), "%q", name)
		}
	}
	for _, path := range badPaths {
		require.False(t, ValidPath(path), "%q", path)
	}
	for _, name := range []string{"a", "...", ".a", "a.", "..b", "a b", "_c_x", "äöü", "日本", "\u00a0", "\ud7ff", "\uf900", "\uffef", "~", "a\\b", "\u202e"} {
		require.True(t, ValidName(name), "%q", name)
		require.True(t, ValidPath("/"+name), "%q", name)
		require.True(t, ValidPath("/x/"+name+"/y"), "%q", name)
	}
	require.True(t, ValidPath("/"))
}

// An answer with a name or a path that no server has is malformed, and its error
// shows the beginning of the name alone.
func TestFault44_AnswersWithNamesThatLie(t *testing.T) {
	rejected := func(r reader, body []byte) {
		t.Helper()
		_, err := r.read(body)
		require.ErrorIs(t, err, ErrMalformed)
		require.ErrorContains(t, err, "the server's answer to "+r.name+" has the ")
		require.ErrorContains(t, err, "which no znode can have")
		require.Less(t, len(err.Error()), 600)
	}
	for _, name := range badNames[1:] { // a list has no room for empty names: see the next test
		rejected(childrenReader, join(stringsBytes([]string{"a", name}), statBytes(someStat)))
		rejected(resultsReader, resultsBytes([]Result{{Op: OpDelete}, {Op: OpGetChildren, Children: []string{name}}}))
	}
	for _, path := range badPaths {
		rejected(createdReader, join(str(path), statBytes(someStat)))
		rejected(createdOldReader, str(path))
		rejected(resultsReader, resultsBytes([]Result{{Op: OpCreate, Path: path}}))
		rejected(resultsReader, resultsBytes([]Result{{Op: OpCreate2, Path: path}}))
		if path != "" {
			rejected(pathsReader, stringsBytes([]string{"/a", path}))
		}
	}
}

func TestFault44_AnswersWithEmptyNames(t *testing.T) {
	_, _, err := ChildrenOf(join(stringsBytes([]string{"abcdefg", ""}), statBytes(someStat)))
	require.ErrorIs(t, err, ErrMalformed)
	_, _, err = ChildrenOf(join(i32(1), i32(-1), statBytes(someStat)))
	require.ErrorIs(t, err, ErrMalformed)
	_, err = PathsOf(stringsBytes([]string{"/abcdef", ""}))
	require.ErrorIs(t, err, ErrMalformed)
}

// A path is valid if its names are, and the empty path is not.
func FuzzNames(f *testing.F) {
	for _, name := range badNames {
		f.Add(name)
	}
	for _, path := range badPaths {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		want := strings.HasPrefix(path, "/")
		if want && path != "/" {
			for name := range strings.SplitSeq(path[1:], "/") {
				want = want && ValidName(name)
			}
		}
		if ValidPath(path) != want {
			t.Fatalf("%q", path)
		}
		if ValidName(path) && (strings.ContainsAny(path, "/\x00\n\x1b\x7f") || strings.ToValidUTF8(path, "") != path) {
			t.Fatalf("%q", path)
		}
	})
}

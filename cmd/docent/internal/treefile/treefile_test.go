package treefile

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// hostile are keys that a stranger might choose.
var hostile = []string{
	"...", "..x", ".hidden", "-rf", "a/..b", "%", "%value", "%2e%2e", "a b", "a\nb", "$(reboot)", "\\..\\x", "C:", "ü", "\x7f", "a/%value", "~", ".docent-sync",
}

func tree(keys map[string][]byte) Tree { return Tree{Path: "/c", Zxid: 7, Keys: keys} }

func hostileTree() Tree {
	keys := map[string][]byte{"db": []byte("both"), "db/host": []byte("h"), "bin": {0, 255, 1}, "empty": {}}
	for _, key := range hostile {
		keys[key] = []byte("value of " + key)
	}
	return tree(keys)
}

// Every key has one file, and each file is in the directory.
func TestNames(t *testing.T) {
	name := rapid.Custom(func(t *rapid.T) string {
		return rapid.OneOf(rapid.StringMatching(`[-a./%\x00-\xff]{1,8}`), rapid.SampledFrom(hostile), rapid.StringN(1, 8, 40)).Draw(t, "name")
	})
	rapid.Check(t, func(t *rapid.T) {
		parts := strings.FieldsFunc(strings.Join(rapid.SliceOfN(name, 1, 3).Draw(t, "names"), "/"), func(r rune) bool { return r == '/' })
		if len(parts) == 0 {
			return
		}
		key, inner := strings.Join(parts, "/"), rapid.Bool().Draw(t, "inner")
		file, err := fileOf(key, inner)
		require.NoError(t, err)
		require.True(t, filepath.IsLocal(file), file)
		require.True(t, fs.ValidPath(file), file)
		for part := range strings.SplitSeq(file, "/") {
			require.NotContains(t, ".-", part[:1], file)
			require.NotContains(t, part, "\x00")
		}
		back, err := keyOf(file)
		require.NoError(t, err)
		require.Equal(t, key, back)
	})
	for file, text := range map[string]string{"a%": "two hexadecimal digits", "%zz": "two hexadecimal digits", "a%2Fb": "a slash"} {
		_, err := keyOf(file)
		require.ErrorContains(t, err, text)
	}
	_, err := fileOf(strings.Repeat("ü", 60), false)
	require.ErrorContains(t, err, "has a name of 360 bytes as a file")
}

func TestDocument(t *testing.T) {
	var text bytes.Buffer
	want := hostileTree()
	require.NoError(t, want.Write(&text))
	got, err := Parse(text.Bytes())
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Contains(t, text.String(), "\n    {\"key\":\"bin\",\"base64\":\"AP8B\"},\n")
	require.NotContains(t, text.String(), "\x7f\x00")

	for data, why := range map[string]string{
		"":                                      "it is empty",
		"[]":                                    "not an export",
		`{"format":"docent config 2"}`:          `its format is "docent config 2"`,
		`{"format":"docent config 9"}`:          "an export of another version of docent: its format is \"docent config 9\", and this docent reads \"docent config 1\"; use a newer docent",
		`{"format":"docent config 1"} x`:        "something follows",
		`{"format":"docent config 1","keyz":1}`: "unknown field",
		`{"format":"docent config 1","keys":[{"key":"a"}]}`:                                     "either a value or base64",
		`{"format":"docent config 1","keys":[{"key":"a","value":"","base64":""}]}`:              "either a value or base64",
		`{"format":"docent config 1","keys":[{"key":"a","value":"1"},{"key":"a","value":"2"}]}`: "there twice",
		`{"format":"docent config 1","keys":[{"key":"a","base64":"no base 64"}]}`:               "illegal base64",
	} {
		_, err := Parse([]byte(data))
		require.ErrorContains(t, err, why, data)
	}
	require.ErrorContains(t, tree(map[string][]byte{"\xff": nil}).Write(&text), "not UTF-8")
}

func TestDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	want := hostileTree()
	require.NoError(t, want.WriteDirectory(dir))
	got, err := ReadDirectory(dir, 1<<20)
	require.NoError(t, err)
	require.Equal(t, want.Keys, got.Keys)
	data, err := os.ReadFile(filepath.Join(dir, "db", "%value"))
	require.NoError(t, err)
	require.Equal(t, "both", string(data))
	entries, err := os.ReadDir(filepath.Dir(dir))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing is beside the directory")

	require.ErrorContains(t, want.WriteDirectory(dir), "is not empty")
	_, err = ReadDirectory(dir, 10)
	require.ErrorContains(t, err, "too many bytes")

	// A link out of the directory is not followed.
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("s"), 0o600))
	require.NoError(t, os.Symlink(secret, filepath.Join(dir, "link")))
	_, err = ReadDirectory(dir, 1<<20)
	require.ErrorContains(t, err, "escapes")
	require.NoError(t, os.Remove(filepath.Join(dir, "link")))

	require.NoError(t, os.WriteFile(filepath.Join(dir, "db%"), nil, 0o600))
	_, err = ReadDirectory(dir, 1<<20)
	require.ErrorContains(t, err, "two hexadecimal digits")
	require.NoError(t, os.Remove(filepath.Join(dir, "db%")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b%69n"), nil, 0o600))
	_, err = ReadDirectory(dir, 1<<20)
	require.ErrorContains(t, err, "two files")
}

func TestCompare(t *testing.T) {
	before := tree(map[string][]byte{"a": []byte("1"), "b": []byte("1"), "c": {}})
	after := tree(map[string][]byte{"a": []byte("1"), "b": []byte("2"), "d": nil})
	require.Equal(t, []Difference{
		{Key: "b", Before: []byte("1"), After: []byte("2")}, {Key: "c", Before: []byte{}}, {Key: "d", After: []byte{}},
	}, Compare(before, after))
	require.Empty(t, Compare(before, before))
}

func TestReadDirectory_ValueOfTheTop(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, ownValue), []byte("x"), 0o600))
	_, err := ReadDirectory(dir, 100)
	require.ErrorContains(t, err, "the top directory has no key: the path itself is not one; remove the file")
}

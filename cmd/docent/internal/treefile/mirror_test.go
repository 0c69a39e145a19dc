//go:build unix

package treefile

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func opened(t require.TestingT, dir string) *Mirror {
	m, err := OpenMirror(dir, "/c")
	require.NoError(t, err)
	return m
}

// regular lists all that is in a directory except the marker.
func regular(t require.TestingT, dir string) []string {
	var all []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if rel, _ := filepath.Rel(dir, path); !entry.IsDir() && rel != markerFile {
			all = append(all, filepath.ToSlash(rel))
		}
		return err
	}))
	return all
}

func TestMirror(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	m := opened(t, dir)
	apply := func(keys map[string][]byte, changes bool) {
		t.Helper()
		changed, skipped, err := m.Apply(tree(keys))
		require.NoError(t, err)
		require.NoError(t, skipped)
		require.Equal(t, changes, changed)
		got, err := ReadDirectory(dir, 1<<20)
		require.NoError(t, err)
		require.Equal(t, keys, got.Keys)
	}
	apply(hostileTree().Keys, true)
	apply(hostileTree().Keys, false)
	m = opened(t, dir) // after a restart
	apply(hostileTree().Keys, false)
	apply(map[string][]byte{"db": []byte("both"), "x/y/z": []byte("1")}, true)
	require.Equal(t, []string{"db", "x/y/z"}, regular(t, dir))
	apply(map[string][]byte{"db/a": []byte("both"), "x": []byte("1")}, true)
	require.Equal(t, []string{"db/a", "x"}, regular(t, dir))
	m = opened(t, dir)
	apply(map[string][]byte{"db": []byte("both")}, true)
	require.Equal(t, []string{"db"}, regular(t, dir))
	apply(map[string][]byte{}, true)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "empty directories are removed")
}

// The directory is equal to the tree whatever it was before, and whether docent
// has run all the time or was restarted.
func TestMirror_anyTrees(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	m := opened(t, dir)
	names := rapid.SampledFrom([]string{"a", "b", "a/a", "a/b", "a/a/a", "b/%value", ".c", "c%"})
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.MapOf(names, rapid.SliceOfN(rapid.Byte(), 1, 2)).Draw(t, "keys")
		if rapid.Bool().Draw(t, "restarted") {
			m = opened(t, dir)
		}
		_, _, err := m.Apply(tree(keys))
		require.NoError(t, err)
		got, err := ReadDirectory(dir, 1<<20)
		require.NoError(t, err)
		require.True(t, maps.EqualFunc(keys, got.Keys, func(a, b []byte) bool { return string(a) == string(b) }))
		require.Len(t, regular(t, dir), len(keys))
	})
}

// A key that may not be read keeps its file, and so does every key below it.
func TestMirror_unknownKeysStay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	m := opened(t, dir)
	_, _, err := m.Apply(tree(map[string][]byte{"a": []byte("1"), "b/c": []byte("1"), "d": []byte("1")}))
	require.NoError(t, err)
	for _, unknown := range [][]string{{"b", "d"}, {"b", "d"}, {""}} {
		hidden := tree(map[string][]byte{"a": []byte("1")})
		hidden.Unknown = unknown
		changed, _, err := m.Apply(hidden)
		require.NoError(t, err)
		require.False(t, changed)
		require.Equal(t, []string{"a", "b/c", "d"}, regular(t, dir))
		m = opened(t, dir)
	}
	_, _, err = m.Apply(tree(map[string][]byte{"a": []byte("1")}))
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, regular(t, dir))
}

// One key without a file does not keep the others from theirs.
func TestMirror_problems(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	m := opened(t, dir)
	changed, skipped, err := m.Apply(tree(map[string][]byte{strings.Repeat("x", 300): nil, "y": []byte("1")}))
	require.NoError(t, err)
	require.ErrorContains(t, skipped, "has a name of 300 bytes as a file, and a file's name has at most 234")
	require.True(t, changed)
	require.Equal(t, []string{"y"}, regular(t, dir))

	// What has taken the place of a file or of a directory is replaced, and not
	// followed.
	outside := filepath.Join(t.TempDir(), "o")
	require.NoError(t, os.MkdirAll(filepath.Join(outside, "e"), 0o700))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "z")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "w"), 0o600))
	_, _, err = m.Apply(tree(map[string][]byte{"y": []byte("1"), "z/e": []byte("1"), "w": []byte("1")}))
	require.NoError(t, err)
	require.Equal(t, []string{"w", "y", "z/e"}, regular(t, dir))
	require.DirExists(t, filepath.Join(outside, "e"))
}

// A change that a failure has interrupted is not forgotten.
func TestMirror_changedBeforeAFailure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	m := opened(t, dir)
	old := tree(map[string][]byte{"a": []byte("1")})
	changed, _, err := m.Apply(old)
	require.NoError(t, err)
	require.True(t, changed)

	m.changed = true // as after the write of one file, and the failure of another
	changed, _, err = m.Apply(old)
	require.NoError(t, err)
	require.True(t, changed)
	changed, _, err = m.Apply(old)
	require.NoError(t, err)
	require.False(t, changed)
}

func TestOpenMirror(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600))
	_, err := OpenMirror(dir, "/c")
	require.ErrorContains(t, err, "is not empty, and no docent has written its files")
	require.NoError(t, os.Remove(filepath.Join(dir, "mine")))
	opened(t, dir)
	_, err = OpenMirror(dir, "/other")
	require.ErrorContains(t, err, `is kept equal to the tree "/c"`)
	_, err = OpenMirror(filepath.Join(dir, "no", "such"), "/c")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

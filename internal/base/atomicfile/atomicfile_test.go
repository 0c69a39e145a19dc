package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// tree makes a directory with two others, a and b, and the given links in it.
func tree(t *testing.T, links ...string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(root, "a/deep"), 0o755))
	require.NoError(t, os.Mkdir(filepath.Join(root, "b"), 0o755))
	for i := 0; i < len(links); i += 2 {
		to := links[i+1]
		if to[0] == '/' {
			to = root + to
		}
		require.NoError(t, os.Symlink(to, filepath.Join(root, links[i])))
	}
	return root
}

// Every kind of link is followed, whether its target exists or not.
func TestFault27_TargetFollowsEveryLink(t *testing.T) {
	for _, c := range []struct {
		links []string
		want  string
	}{
		{nil, "a/f"},
		{[]string{"a/f", "g"}, "a/g"},
		{[]string{"a/f", "../b/g"}, "b/g"},
		{[]string{"a/f", "/b/g"}, "b/g"},
		{[]string{"a/f", "g", "a/g", "../b/h", "b/h", "/a/deep/i"}, "a/deep/i"},
		{[]string{"b/in", "../a/deep", "a/f", "../b/in/g"}, "a/deep/g"},
		{[]string{"b/in", "../a/deep", "a/f", "../b/in/../g"}, "a/g"}, // .. of the directory, not of the text
	} {
		for _, exists := range []bool{false, true} {
			root := tree(t, c.links...)
			want := filepath.Join(root, c.want)
			if exists {
				require.NoError(t, os.WriteFile(want, []byte("old"), 0o644))
			}
			path := filepath.Join(root, "a/f")
			require.NoError(t, With(path, func(f *File) error {
				require.Equal(t, want, f.path, c.links)
				return f.Check()
			}))
			require.NoError(t, Replace(path, []byte("new"), 0o640))
			data, err := os.ReadFile(want)
			require.NoError(t, err)
			require.Equal(t, "new", string(data))
			info, err := os.Lstat(want)
			require.NoError(t, err)
			require.Equal(t, fs.FileMode(0o640), info.Mode())
			if len(c.links) > 0 {
				info, err = os.Lstat(path)
				require.NoError(t, err)
				require.NotZero(t, info.Mode()&fs.ModeSymlink, "the link stays")
			}
			entries, err := os.ReadDir(filepath.Dir(want))
			require.NoError(t, err)
			for _, e := range entries {
				require.NotContains(t, e.Name(), "docent", "a temporary file is left")
			}
		}
	}
}

func TestFault27_TargetRefuses(t *testing.T) {
	root := tree(t, "a/f", "g", "a/g", "f", "a/lost", "../none/h", "a/self", "self", "a/dir", "deep")
	for path, reason := range map[string]string{
		"a/f": "symbolic links", "a/self": "symbolic links", "a/lost": "none", "none/f": "none", "a/plain/f": "not a directory",
		"a/dir": "is a directory; name a file", "a/dir/..": "is a directory", "a/new/": "no such file", "a/plain/.": "not a directory",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(root, "a/plain"), nil, 0o600))
		path = root + "/" + path // not cleaned
		_, err := Open(path)
		require.ErrorContains(t, err, reason, path)
		require.Error(t, With(path, (*File).Check))
		require.Error(t, Replace(path, nil, 0o600))
		_, err = Read(path)
		require.Error(t, err)
	}
}

func TestRelativePaths(t *testing.T) {
	root := tree(t, "a/f", "../b/g")
	t.Chdir(filepath.Join(root, "a"))
	for _, path := range []string{"f", "./f", "deep/../f", "../a/f", "../b/g"} {
		require.NoError(t, Replace(path, []byte(path), 0o600))
		data, err := os.ReadFile(filepath.Join(root, "b/g"))
		require.NoError(t, err)
		require.Equal(t, path, string(data))
		data, err = Read(path)
		require.NoError(t, err)
		require.Equal(t, path, string(data))
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	_, err := Read(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.EqualError(t, err, "open "+path+": file does not exist")
	update := func(data string, want bool) {
		t.Helper()
		require.NoError(t, With(path, func(f *File) error {
			changed, err := f.Update([]byte(data), 0o640)
			require.Equal(t, want, changed)
			return err
		}))
	}
	mode := func(want fs.FileMode) {
		t.Helper()
		info, err := os.Lstat(path)
		require.NoError(t, err)
		require.Equal(t, want, info.Mode())
	}
	update("one", true)
	mode(0o640)
	update("one", false)
	require.NoError(t, os.Chmod(path, 0o606))
	update("two", true)
	mode(0o606)
	_, err = Read(path)
	require.ErrorIs(t, err, ErrUnsafe)
	require.EqualError(t, err, path+" may be written by every user (mode 0606); remove it, or take the right away (chmod o-w)")
	require.NoError(t, os.Chmod(path, 0o200))
	update("six", true)
	mode(0o200)
	require.NoError(t, Replace(path, nil, 0o600))
	mode(0o600)
	require.NoError(t, With(path, func(f *File) error { return f.Append(".old") }))
	require.NoError(t, With(path, func(f *File) error {
		removed, err := f.Remove()
		require.False(t, removed)
		return err
	}))
	require.NoError(t, With(path+".old", func(f *File) error {
		removed, err := f.Remove()
		require.True(t, removed)
		return err
	}))
	require.EqualError(t, With(path, func(*File) error { return errors.New("its error") }), "its error")
}

package atomicfile

import (
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
			got, err := Target(path)
			require.NoError(t, err, c.links)
			require.Equal(t, want, got)

			require.NoError(t, Check(path))
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
	root := tree(t, "a/f", "g", "a/g", "f", "a/lost", "../none/h", "a/self", "self")
	for path, reason := range map[string]string{
		"a/f": "symbolic links", "a/self": "symbolic links", "a/lost": "none", "none/f": "none",
	} {
		_, err := Target(filepath.Join(root, path))
		require.ErrorContains(t, err, reason, path)
		require.Error(t, Check(filepath.Join(root, path)))
		require.Error(t, Replace(filepath.Join(root, path), nil, 0o600))
	}
	require.NoError(t, os.Symlink("deep", filepath.Join(root, "a/dir")))
	got, err := Target(filepath.Join(root, "a/dir"))
	require.NoError(t, err)
	require.Equal(t, filepath.Join(root, "a/deep"), got)
	require.Error(t, Replace(filepath.Join(root, "a/dir"), nil, 0o600), "the target is a directory")
	got, err = Target(filepath.Join(root, "a/dir/.."))
	require.NoError(t, err)
	require.Equal(t, filepath.Join(root, "a"), got)
}

func TestTarget_relative(t *testing.T) {
	root := tree(t, "a/f", "../b/g")
	t.Chdir(filepath.Join(root, "a"))
	require.NoError(t, Replace("f", []byte("new"), 0o600))
	data, err := os.ReadFile(filepath.Join(root, "b/g"))
	require.NoError(t, err)
	require.Equal(t, "new", string(data))
}

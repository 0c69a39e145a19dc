package naming_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
)

func TestCacheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "svc.json")
	_, _, err := naming.LoadCache(path, "svc")
	require.ErrorIs(t, err, fs.ErrNotExist)

	require.NoError(t, naming.SaveCache(path, "svc", nil, time.UnixMilli(5)))
	require.NoError(t, naming.SaveCache(path, "svc", []naming.Instance{sample()}, time.UnixMilli(7)))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1, "no temporary file stays")
	good, err := os.ReadFile(path)
	require.NoError(t, err)

	refuse := func(data []byte, service string, reason error) {
		require.NoError(t, os.WriteFile(path, data, 0o600))
		all, _, err := naming.LoadCache(path, service)
		require.ErrorIs(t, err, reason, "%s", data)
		require.ErrorContains(t, err, path)
		require.Nil(t, all)
		still, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(data), string(still), "the file is left as it is")
	}
	for n := range good {
		refuse(good[:n], "svc", naming.ErrCacheDamaged)
	}
	refuse(bytes.Replace(good, []byte("10.0.0.1"), []byte("10.0.0.2"), 1), "svc", naming.ErrCacheDamaged)
	refuse(bytes.Replace(good, []byte(`"service":"svc"`), []byte(`"service":"other"`), 1), "other", naming.ErrCacheDamaged)
	refuse(good, "other", naming.ErrCacheService)
	refuse(bytes.Replace(good, []byte(`"version":1`), []byte(`"version":2`), 1), "svc", naming.ErrCacheVersion)

	// What cannot be written leaves the old file alone.
	require.NoError(t, os.WriteFile(path, good, 0o600))
	bad := sample()
	bad.Port = -1
	require.ErrorContains(t, naming.SaveCache(path, "svc", []naming.Instance{bad}, time.Now()), "port -1")
	require.ErrorContains(t, naming.SaveCache(path, "other", []naming.Instance{sample()}, time.Now()), `service "svc"`)
	all, saved, err := naming.LoadCache(path, "svc")
	require.NoError(t, err)
	require.True(t, saved.Equal(time.UnixMilli(7)))
	require.True(t, sample().Equal(all[0]))
	require.Error(t, naming.SaveCache(filepath.Join(dir, "none", "x"), "svc", nil, time.Now()))

	require.NoError(t, os.Mkdir(filepath.Join(dir, "taken"), 0o700))
	require.Error(t, naming.SaveCache(filepath.Join(dir, "taken"), "svc", nil, time.Now()), "a directory is in the way")
	files, err = os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 2, "the temporary file is gone")
}

func TestCacheOfMany(t *testing.T) {
	path := filepath.Join(t.TempDir(), "svc.json")
	require.NoError(t, naming.SaveCache(path, "svc", instances(5000), time.UnixMilli(7)))
	all, _, err := naming.LoadCache(path, "svc")
	require.NoError(t, err)
	require.Len(t, all, 5000)
}

// A cache file may be a link, to a file that does not exist yet too.
func TestFault27_CacheFollowsADanglingLink(t *testing.T) {
	dir := t.TempDir()
	link, file := filepath.Join(dir, "link"), filepath.Join(dir, "data", "file")
	require.NoError(t, os.Mkdir(filepath.Dir(file), 0o755))
	require.NoError(t, os.Symlink("data/file", link))
	for range 2 {
		require.NoError(t, naming.SaveCache(link, "svc", []naming.Instance{sample()}, time.UnixMilli(7)))
		to, err := os.Readlink(link)
		require.NoError(t, err)
		require.Equal(t, "data/file", to)
		all, _, err := naming.LoadCache(file, "svc")
		require.NoError(t, err)
		require.True(t, sample().Equal(all[0]))
	}
}

//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireAlone demands that a directory has the one file.
func requireAlone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, filepath.Base(path), entries[0].Name())
}

func TestSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, fresh := range []string{"one", "two"} {
		content, err := Secret(path, []byte(fresh))
		require.NoError(t, err)
		require.Equal(t, "one", string(content))
	}
	requireAlone(t, path)
	for _, mode := range []fs.FileMode{0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o644} {
		require.NoError(t, os.Chmod(path, mode))
		_, err := Secret(path, nil)
		require.ErrorIs(t, err, ErrUnsafe)
		require.EqualError(t, err, fmt.Sprintf("%s gives other users rights (mode %04o); take the rights away (chmod go=)", path, mode))
	}
	require.NoError(t, os.Chmod(path, 0o400))
	content, err := Secret(path, nil)
	require.NoError(t, err)
	require.Equal(t, "one", string(content))
	require.NoError(t, os.Chmod(path, 0o600))
	require.NoError(t, os.WriteFile(path, make([]byte, maxSecret+1), 0o600))
	_, err = Secret(path, nil)
	require.EqualError(t, err, path+" has more than 4096 bytes; name another file")
}

// A file that has come into being since the look is read, and not replaced.
func TestSecret_createdMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, With(path, func(f *File) error {
		_, err := f.readSecret()
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.NoError(t, f.create([]byte("theirs")))
		require.ErrorIs(t, f.create([]byte("mine")), fs.ErrExist)
		content, err := f.readSecret()
		require.Equal(t, "theirs", string(content))
		return err
	}))
	requireAlone(t, path)
}

// Processes that start at once use one content.
func TestSecret_atOnce(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "f")
		contents := make([]string, 8)
		errs := make([]error, len(contents))
		var all sync.WaitGroup
		for i := range contents {
			all.Go(func() {
				content, err := Secret(path, []byte(strings.Repeat(string(rune('a'+i)), maxSecret)))
				contents[i], errs[i] = string(content), err
			})
		}
		all.Wait()
		require.NoError(t, errors.Join(errs...))
		for _, content := range contents {
			require.Equal(t, contents[0], content)
			require.Len(t, content, maxSecret)
		}
		requireAlone(t, path)
	}
}

//go:build unix

package config_test

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// stranger is a user that is neither this process's nor root.
const stranger = 65534

func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can make files of another user")
	}
}

// A file or a link of another user is an error at the start, even if there is
// no key yet. It is not changed.
func TestFault49_SyncFileRejectsAStrangersFile(t *testing.T) {
	asRoot(t)
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		top := t.TempDir()
		tmp := filepath.Join(top, "tmp")
		require.NoError(t, os.Mkdir(tmp, 0o700))
		require.NoError(t, os.Chmod(tmp, 0o777|os.ModeSticky))
		theirs := filepath.Join(tmp, "theirs")
		require.NoError(t, os.WriteFile(theirs, nil, 0o644))
		require.NoError(t, os.Chown(theirs, stranger, stranger))
		target, link := filepath.Join(top, "target"), filepath.Join(tmp, "link")
		require.NoError(t, os.WriteFile(target, nil, 0o600))
		require.NoError(t, os.Symlink(target, link))
		require.NoError(t, os.Lchown(link, stranger, stranger))
		for _, value := range []string{"", "secret"} {
			if value != "" {
				w.Put("/c/k", value)
			}
			for path, reason := range map[string]string{
				theirs: theirs + " belongs to uid 65534", link: link + " is a symbolic link of uid 65534",
			} {
				err := config.SyncFile(w.Context(), p.Manager, "/c/k", path)
				require.ErrorIs(t, err, session.ErrUnsafeFile)
				require.ErrorContains(t, err, "sync key /c/k: the file cannot be written: "+reason)
			}
			require.Empty(t, content(t, target))
			require.Empty(t, content(t, theirs))
		}
	})
}

// A FIFO that takes the place of the file while it is synced is a problem like
// any other: nothing blocks, and ctx ends the call.
func TestFault49_SyncFileIsNotBlockedByAFIFO(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		file := filepath.Join(t.TempDir(), "f")
		w.Put("/c/k", "one")
		p := w.Process()
		var mu sync.Mutex
		var problems []error
		call := syncing(p, file, config.OnProblem(func(err error) {
			mu.Lock()
			defer mu.Unlock()
			problems = append(problems, err)
		}))
		require.True(t, call.Waiting())
		require.NoError(t, os.Remove(file))
		require.NoError(t, syscall.Mkfifo(file, 0o600))
		require.ErrorContains(t, config.SyncFile(w.Context(), p.Manager, "/c/k", file), "is a FIFO, not a regular file")
		w.Put("/c/k", "two")
		require.True(t, call.Waiting())
		mu.Lock()
		require.Len(t, problems, 1)
		require.ErrorIs(t, problems[0], session.ErrUnsafeFile)
		require.ErrorContains(t, problems[0], "sync key /c/k: write the file: "+file+" is a FIFO")
		mu.Unlock()
		require.NoError(t, os.Remove(file))
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, "two", content(t, file), "it is tried again")
		_, err := call.GiveUp()
		require.NoError(t, err)
	})
}

// A file keeps the group that its owner has given it.
func TestFault49_SyncFileKeepsTheGroup(t *testing.T) {
	asRoot(t)
	testworld.Run(t, func(w *testworld.World) {
		file := filepath.Join(t.TempDir(), "f")
		require.NoError(t, os.WriteFile(file, nil, 0o600))
		require.NoError(t, os.Chown(file, 0, stranger))
		require.NoError(t, os.Chmod(file, 0o640))
		w.Put("/c/k", "secret")
		syncing(w.Process(), file)
		synctest.Wait()
		require.Equal(t, "secret", content(t, file))
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o640), info.Mode())
		require.EqualValues(t, stranger, info.Sys().(*syscall.Stat_t).Gid)
	})
}

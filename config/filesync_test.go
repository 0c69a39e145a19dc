package config_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

func content(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "-"
	}
	require.NoError(t, err)
	return string(data)
}

// only demands that nothing but the file lies in its directory.
func only(t *testing.T, file string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file is left")
}

// syncing runs SyncFile until GiveUp.
func syncing(p *testworld.Process, file string, opts ...config.FileOption) *testworld.Call[int] {
	return testworld.Go(p.W, func(ctx context.Context) (int, error) {
		return 0, config.SyncFile(ctx, p.Manager, "/c/k", file, opts...)
	})
}

func TestSyncFile(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		file := filepath.Join(t.TempDir(), "limits.json")
		p := w.Process()
		var changes []config.FileChange
		call := syncing(p, file, config.AfterChange(func(c config.FileChange) { changes = append(changes, c) }))
		require.True(t, call.Waiting())
		require.Equal(t, "-", content(t, file), "there is no key yet")
		w.Put("/c/k", "one")
		require.True(t, call.Waiting())
		require.Equal(t, "one", content(t, file))
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode())
		require.NoError(t, os.Chmod(file, 0o640))
		reader, err := os.Open(file)
		require.NoError(t, err)
		w.Put("/c/k", "two")
		synctest.Wait()
		require.Equal(t, "two", content(t, file))
		whole, err := io.ReadAll(reader)
		require.NoError(t, err)
		require.Equal(t, "one", string(whole), "whoever has opened the file before reads the older value to its end")
		require.NoError(t, reader.Close())
		info, err = os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o640), info.Mode(), "the mode is kept")
		w.Remove("/c/k")
		synctest.Wait()
		require.Equal(t, "two", content(t, file), "the last value is kept")
		w.Put("/c/k", "")
		synctest.Wait()
		require.Empty(t, content(t, file))
		p.Link.Refuse(true)
		p.Expire()
		w.Put("/c/k", "next session")
		p.Link.Refuse(false)
		w.Eventually(func() bool { return content(t, file) == "next session" }, "it follows")
		require.Len(t, changes, 4)
		require.Equal(t, file, changes[1].File)
		require.EqualValues(t, 1, changes[1].Version)
		for i, c := range changes[1:] {
			require.Greater(t, c.Zxid, changes[i].Zxid)
		}
		_, err = call.GiveUp()
		require.NoError(t, err)
		only(t, file)

		// An unchanged file is not written, and AfterChange is not called.
		call = syncing(p, file, config.AfterChange(func(config.FileChange) { require.Fail(t, "nothing has changed") }))
		require.True(t, call.Waiting())
		_, err = call.GiveUp()
		require.NoError(t, err)
	})
}

func TestSyncFileRemoveWithKey(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		file := filepath.Join(t.TempDir(), "f")
		w.Put("/c/k", "bad")
		require.NoError(t, os.WriteFile(file, []byte("older"), 0o600))
		var problems []error
		var removed bool
		syncing(w.Process(), file, config.RemoveWithKey(),
			config.CheckFile(func(data []byte) error {
				if string(data) == "bad" {
					return errors.New("refused")
				}
				return nil
			}),
			config.OnProblem(func(err error) { problems = append(problems, err) }),
			config.AfterChange(func(c config.FileChange) { removed = c.Removed }))
		synctest.Wait()
		require.Equal(t, "older", content(t, file), "a value that is refused changes nothing")
		var bad *config.BadValueError
		require.Len(t, problems, 1)
		require.ErrorAs(t, problems[0], &bad)
		w.Put("/c/k", "good")
		synctest.Wait()
		require.Equal(t, "good", content(t, file))
		require.Equal(t, []error{nil}, problems[1:], "the problem is over")
		w.Remove("/c/k")
		synctest.Wait()
		require.Equal(t, "-", content(t, file))
		require.True(t, removed)
		w.Put("/c/k", "again")
		synctest.Wait()
		require.Equal(t, "again", content(t, file))
	})
}

// A file that cannot be written is an error at the start; later it is reported
// and tried again.
func TestSyncFileThatCannotBeWritten(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/c/k", "one")
		p := w.Process()
		dir := filepath.Join(t.TempDir(), "d")
		file := filepath.Join(dir, "f")
		err := config.SyncFile(w.Context(), p.Manager, "/c/k", file)
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.ErrorContains(t, err, "sync key /c/k: the file cannot be written")
		require.NoError(t, os.Mkdir(dir, 0o700))
		require.ErrorContains(t, config.SyncFile(w.Context(), p.Manager, "/c/k", dir), "is a directory")
		require.ErrorContains(t, config.SyncFile(w.Context(), p.Manager, "c", file), "invalid path")

		var mu sync.Mutex
		var problems []error
		told := func() []error {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(problems)
		}
		changes := 0
		syncing(p, file,
			config.OnProblem(func(err error) {
				mu.Lock()
				defer mu.Unlock()
				problems = append(problems, err)
			}),
			config.AfterChange(func(config.FileChange) { changes++ }))
		synctest.Wait()
		require.Equal(t, "one", content(t, file))
		require.NoError(t, os.RemoveAll(dir))
		w.Put("/c/k", "two")
		synctest.Wait()
		require.Len(t, told(), 1)
		require.ErrorIs(t, told()[0], fs.ErrNotExist)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		require.Len(t, told(), 1, "a problem that only repeats is reported once")
		require.NoError(t, os.Mkdir(dir, 0o700))
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, "two", content(t, file), "it is tried again")
		require.Equal(t, 2, changes)
		require.Equal(t, []error{nil}, told()[1:], "the problem is over")
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Len(t, told(), 2)
	})
}

func TestSyncFileFollowsASymbolicLink(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/c/k", "one")
		real, link := filepath.Join(t.TempDir(), "real"), filepath.Join(t.TempDir(), "link")
		require.NoError(t, os.WriteFile(real, nil, 0o644))
		require.NoError(t, os.Symlink(real, link))
		syncing(w.Process(), link)
		synctest.Wait()
		require.Equal(t, "one", content(t, real))
		info, err := os.Lstat(link)
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&fs.ModeSymlink)
	})
}

// A link that leads to no file yet is followed too, and stays when the file is
// removed: the directory that it leads to may be the one that is mounted.
func TestFault27_SyncFileFollowsADanglingLink(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/c/k", "one")
		dir := t.TempDir()
		require.NoError(t, os.Mkdir(filepath.Join(dir, "data"), 0o755))
		link, file := filepath.Join(dir, "link"), filepath.Join(dir, "data", "file")
		require.NoError(t, os.Symlink("second", link))
		require.NoError(t, os.Symlink("data/file", filepath.Join(dir, "second")))
		isLink := func() {
			info, err := os.Lstat(link)
			require.NoError(t, err)
			require.NotZero(t, info.Mode()&fs.ModeSymlink)
		}
		var changes []config.FileChange
		syncing(w.Process(), link, config.RemoveWithKey(), config.AfterChange(func(c config.FileChange) { changes = append(changes, c) }))
		synctest.Wait()
		require.Equal(t, "one", content(t, file))
		isLink()
		w.Remove("/c/k")
		synctest.Wait()
		require.Equal(t, "-", content(t, file))
		isLink()
		w.Put("/c/k", "two")
		synctest.Wait()
		require.Equal(t, "two", content(t, file))
		only(t, file)
		isLink()
		require.Len(t, changes, 3)
		require.True(t, changes[1].Removed)
	})
}

func TestFault27_SyncFileRefusesLinksThatLeadNowhere(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/c/k", "one")
		dir := t.TempDir()
		for link, to := range map[string]string{"circle": "circle", "lost": "none/f", "dir": "."} {
			require.NoError(t, os.Symlink(to, filepath.Join(dir, link)))
			err := config.SyncFile(w.Context(), w.Process().Manager, "/c/k", filepath.Join(dir, link))
			require.Error(t, err, link)
			got, err := os.Readlink(filepath.Join(dir, link))
			require.NoError(t, err)
			require.Equal(t, to, got)
		}
	})
}

// What an earlier run has written is not replaced by what a server that lags
// still has.
func TestSyncFileStartsOnALaggingServer(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		file := filepath.Join(t.TempDir(), "f")
		w.Put("/c/k", "older")
		p := w.Process()
		w.Srv.Lag(p.Current().ID())
		w.Put("/c/k", "newer")
		require.NoError(t, os.WriteFile(file, []byte("newer"), 0o600))
		syncing(p, file, config.AfterChange(func(config.FileChange) { require.Fail(t, "it went back") }))
		synctest.Wait()
		require.Equal(t, "newer", content(t, file))
	})
}

func TestSyncFileEndsWithItsManager(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		call := syncing(p, filepath.Join(t.TempDir(), "f"))
		require.True(t, call.Waiting())
		require.NoError(t, p.Close())
		_, err := call.Result()
		require.ErrorIs(t, err, session.ErrClosed)
	})
}

//go:build unix

package naming_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// A cache file that another user may have written would send this process's
// requests to that user's servers.
func TestFault49_CacheFileOfAStranger(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make files of another user")
	}
	const stranger = 65534
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o777|os.ModeSticky))
	saved := func(name string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, naming.SaveCache(path, "orders", []naming.Instance{at("evil", "evil")}, time.UnixMilli(7)))
		return path
	}
	theirs, open, link := saved("theirs"), saved("open"), filepath.Join(dir, "link")
	require.NoError(t, os.Chown(theirs, stranger, stranger))
	require.NoError(t, os.Chmod(open, 0o666))
	require.NoError(t, os.Symlink(saved("mine"), link))
	require.NoError(t, os.Lchown(link, stranger, stranger))
	testworld.Run(t, func(w *testworld.World) {
		register(w.Process(), at("o1", "h1"))
		for path, reason := range map[string]string{theirs: "belongs to uid 65534", open: "may be written by every user", link: "symbolic link of uid 65534"} {
			_, _, err := naming.LoadCache(path, "orders")
			require.ErrorIs(w, err, session.ErrUnsafeFile)
			require.ErrorContains(w, err, "cache file "+path+": "+path+" ")
			require.ErrorContains(w, err, reason)
			_, err = registry(coldly(w)).Open(w.Within(time.Minute), "orders", naming.CacheFile(path))
			require.ErrorIs(w, err, session.ErrUnreachable, "nothing of the file is shown")
		}
		for _, path := range []string{theirs, link} {
			before, err := os.ReadFile(path)
			require.NoError(w, err)
			require.ErrorIs(w, naming.SaveCache(path, "orders", nil, time.Now()), session.ErrUnsafeFile)
			s := watch(w.Process(), naming.CacheFile(path))
			time.Sleep(time.Minute)
			require.Equal(w, "o1=h1", showView(s.View()))
			require.Len(w, s.View().Problems, 1)
			require.ErrorIs(w, s.View().Problems[0], session.ErrUnsafeFile)
			s.Close()
			after, err := os.ReadFile(path)
			require.NoError(w, err)
			require.Equal(w, before, after, "it is not written")
		}
	})
}

func TestFault49_CacheFileThatIsAFIFO(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	testworld.Run(t, func(w *testworld.World) {
		began := time.Now()
		_, err := registry(coldly(w)).Open(w.Within(time.Minute), "orders", naming.CacheFile(fifo))
		require.ErrorIs(w, err, session.ErrUnreachable)
		require.Equal(w, time.Minute, time.Since(began), "it ends with its ctx")
		register(w.Process(), at("o1", "h1"))
		s := watch(w.Process(), naming.CacheFile(fifo))
		require.Len(w, s.View().Problems, 1)
		require.ErrorIs(w, s.View().Problems[0], session.ErrUnsafeFile)
		require.Equal(w, "o1=h1", showView(s.View()))
	})
}

//go:build unix

package atomicfile

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	nobody   = 65534 // the other user that this process can be
	stranger = 65533 // who is neither
)

// machine is a directory that every user can search, with the test binary in
// it. me is the user that acts; root prepares.
type machine struct {
	*testing.T
	dir string
	me  int
}

// as runs a test as root, and as another user.
func as(t *testing.T, test func(m *machine)) {
	if os.Geteuid() != 0 {
		t.Skip("only root can act as two users")
	}
	for _, me := range []int{0, nobody} {
		t.Run(fmt.Sprintf("uid %d", me), func(t *testing.T) {
			dir, err := os.MkdirTemp("", "docent-two-users-*") //nolint:usetesting // another user cannot reach t.TempDir()
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
			require.NoError(t, os.Chmod(dir, 0o755))
			binary, err := os.ReadFile(os.Args[0])
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "binary"), binary, 0o755))
			test(&machine{t, dir, me})
		})
	}
}

// do does something to a file as the user. It fails the test if that blocks.
func (m *machine) do(op, path string) string {
	m.Helper()
	cmd := exec.Command(filepath.Join(m.dir, "binary"), path)
	cmd.Env = append(os.Environ(), roleVar+"="+op, "GORACE=atexit_sleep_ms=0") // it would sleep for a second each
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(m.me), Gid: uint32(m.me)}}
	watchdog := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	out, err := cmd.CombinedOutput()
	require.NoError(m, err, "%s %s: %s", op, path, out)
	return string(out)
}

// made makes a directory.
func (m *machine) made(name string, mode os.FileMode, uid int) string {
	m.Helper()
	path := filepath.Join(m.dir, name)
	require.NoError(m, os.Mkdir(path, 0o700))
	require.NoError(m, os.Chown(path, uid, uid))
	require.NoError(m, os.Chmod(path, mode))
	return path
}

// wrote writes a file.
func (m *machine) wrote(path string, mode os.FileMode, uid, gid int) string {
	m.Helper()
	require.NoError(m, os.WriteFile(path, []byte("before"), 0o600))
	require.NoError(m, os.Chown(path, uid, gid))
	require.NoError(m, os.Chmod(path, mode))
	return path
}

func (m *machine) linked(path, target string, uid int) string {
	m.Helper()
	require.NoError(m, os.Symlink(target, path))
	require.NoError(m, os.Lchown(path, uid, uid))
	return path
}

// rejects demands that nothing of the package uses the path, for a reason, and
// that the file is as it was.
func (m *machine) rejects(path, reason string, all ...string) {
	m.Helper()
	before, statErr := os.Stat(path)
	if len(all) == 0 {
		all = []string{"read", "check", "update", "replace", "remove", "append", "secret"}
	}
	for _, op := range all {
		require.Contains(m, m.do(op, path), reason, op)
	}
	if statErr == nil {
		after, err := os.Stat(path)
		require.NoError(m, err)
		require.True(m, os.SameFile(before, after))
		require.Equal(m, before.Mode(), after.Mode())
		require.Equal(m, before.ModTime(), after.ModTime())
	}
}

// accepts demands that the file is replaced, and then has the mode, the owner
// and the group.
func (m *machine) accepts(path string, mode os.FileMode, uid, gid int) {
	m.Helper()
	require.Empty(m, m.do("check", path))
	require.Empty(m, m.do("update", path))
	info, err := os.Stat(path)
	require.NoError(m, err)
	require.Equal(m, mode, info.Mode())
	require.Equal(m, uid, owner(info))
	require.Equal(m, gid, group(info))
	data, err := os.ReadFile(path)
	require.NoError(m, err)
	require.Equal(m, "secret", string(data))
	if mode&0o002 == 0 {
		require.Empty(m, m.do("read", path))
	}
	if mode == 0o600 {
		require.Empty(m, m.do("secret", path))
		require.NoError(m, os.Remove(path))
		require.Empty(m, m.do("secret", path))
		info, err := os.Stat(path)
		require.NoError(m, err)
		require.Equal(m, mode, info.Mode())
		require.Equal(m, uid, owner(info))
	}
}

func TestFault49_Owners(t *testing.T) {
	as(t, func(m *machine) {
		for name, dir := range map[string]string{
			"own": m.made("own", 0o755, m.me), "sticky": m.made("sticky", 0o777|os.ModeSticky, 0), "shared": m.made("shared", 0o775|os.ModeSetgid, m.me),
		} {
			file := func(name string) string { return filepath.Join(dir, name) }
			for _, mode := range []os.FileMode{0o600, 0o644, 0o666} {
				m.rejects(m.wrote(file(fmt.Sprintf("%s-%o", name, mode)), mode, stranger, stranger), "belongs to uid 65533, and this process runs as uid")
			}
			m.accepts(m.wrote(file("mine"), 0o640, m.me, m.me), 0o640, m.me, m.me)
			m.accepts(m.wrote(file("open"), 0o666, m.me, m.me), 0o666, m.me, m.me)
			m.accepts(file("new"), 0o600, m.me, m.me)
			if m.me != 0 {
				roots := m.wrote(file("roots"), 0o644, 0, 0)
				m.rejects(roots, "belongs to uid 0, and this process runs as uid 65534: the owner would change; remove it", "check", "update", "replace", "remove", "append")
				m.rejects(roots, "belongs to uid 0, and this process runs as uid 65534; name a file of uid 65534", "secret")
				require.Empty(m, m.do("read", roots), "root may have written it")
			}
		}
	})
}

// The group of a file is what gives other users the right to read it.
func TestFault49_Groups(t *testing.T) {
	as(t, func(m *machine) {
		dir := m.made("d", 0o755, m.me)
		file := m.wrote(filepath.Join(dir, "f"), 0o640, m.me, stranger)
		if m.me == 0 {
			m.accepts(file, 0o640, 0, stranger)
			return
		}
		m.rejects(file, "belongs to the group 65533, which this process (uid 65534) cannot give", "update", "replace")
		entries, err := os.ReadDir(dir)
		require.NoError(m, err)
		require.Len(m, entries, 1, "no temporary file is left")
	})
}

func TestFault49_Directories(t *testing.T) {
	as(t, func(m *machine) {
		for i, c := range []struct {
			mode   os.FileMode
			uid    int
			reason string
		}{
			{0o755, m.me, ""}, {0o700, m.me, ""}, {0o770, m.me, ""}, {0o777 | os.ModeSticky, m.me, ""}, {0o777 | os.ModeSticky, 0, ""},
			{0o777, m.me, "may be written by every user (mode 0777)"}, {0o757, 0, "may be written by every user (mode 0757)"},
			{0o755, stranger, "belongs to uid 65533, who can exchange every file in it"},
			{0o777 | os.ModeSticky, stranger, "belongs to uid 65533"},
		} {
			file := filepath.Join(m.made(fmt.Sprint(i), c.mode, c.uid), "f")
			if c.reason == "" {
				m.accepts(file, 0o600, m.me, m.me)
				continue
			}
			m.rejects(file, c.reason)
			_, err := os.Lstat(file)
			require.ErrorIs(m, err, os.ErrNotExist)
		}
		// Only the last directory counts: in an open volume, one makes its own.
		volume := m.made("volume", 0o777, stranger)
		require.NoError(m, os.Mkdir(filepath.Join(volume, "mine"), 0o755))
		require.NoError(m, os.Chown(filepath.Join(volume, "mine"), m.me, m.me))
		m.accepts(filepath.Join(volume, "mine", "f"), 0o600, m.me, m.me)
		if runtime.GOOS != "linux" {
			return // the right to search alone does not do there
		}
		m.made("closed", 0o711, 0)
		m.accepts(filepath.Join(m.made("closed/mine", 0o755, m.me), "f"), 0o600, m.me, m.me)
	})
}

func TestFault49_Links(t *testing.T) {
	as(t, func(m *machine) {
		mine, tmp := m.made("mine", 0o755, m.me), m.made("tmp", 0o777|os.ModeSticky, 0)
		target := m.wrote(filepath.Join(mine, "target"), 0o600, m.me, m.me)
		const reason = "is a symbolic link of uid 65533, which this process"
		m.rejects(m.linked(filepath.Join(tmp, "theirs"), target, stranger), reason)
		m.rejects(m.linked(filepath.Join(tmp, "dangling"), filepath.Join(mine, "new"), stranger), reason)
		m.rejects(m.linked(filepath.Join(mine, "theirs"), "target", stranger), reason)
		m.linked(filepath.Join(tmp, "dir"), mine, stranger)
		m.rejects(filepath.Join(tmp, "dir", "target"), reason)
		m.linked(filepath.Join(tmp, "second"), "theirs", m.me)
		m.rejects(filepath.Join(tmp, "second"), reason)
		m.accepts(m.linked(filepath.Join(tmp, "mine"), target, m.me), 0o600, m.me, m.me)
		m.accepts(m.linked(filepath.Join(tmp, "roots"), "../mine/target", 0), 0o600, m.me, m.me)

		// A hard link in a directory that others write to gives a secret the
		// mode of another file.
		public := m.wrote(filepath.Join(mine, "public"), 0o644, m.me, m.me)
		require.NoError(m, os.Link(public, filepath.Join(tmp, "hard")))
		m.rejects(filepath.Join(tmp, "hard"), "has several names (hard links)")
		m.accepts(public, 0o644, m.me, m.me)
	})
}

// Nothing blocks, and nothing but a regular file is replaced.
func TestFault49_SpecialFiles(t *testing.T) {
	as(t, func(m *machine) {
		dir := m.made("d", 0o755, m.me)
		at := func(name string) string { return filepath.Join(dir, name) }
		require.NoError(m, syscall.Mkfifo(at("fifo"), 0o666))
		socket, err := net.Listen("unix", at("socket"))
		require.NoError(m, err)
		defer socket.Close()
		for name, kind := range map[string]string{"fifo": "a FIFO", "socket": "a socket"} {
			require.NoError(m, os.Chown(at(name), m.me, m.me))
			m.rejects(at(name), "is "+kind+", not a regular file; remove it, or name another file")
		}
		m.rejects(m.linked(at("link"), "fifo", m.me), "is a FIFO")
		m.rejects("/dev/null", "is a device")
		m.made("d/directory", 0o700, m.me)
		m.rejects(at("directory"), "is a directory; name a file")
	})
}

// What is exchanged between the look and the open is rejected, and does not
// block either.
func TestFault49_Exchanged(t *testing.T) {
	top := t.TempDir()
	dir, other := filepath.Join(top, "dir"), filepath.Join(top, "other")
	path := filepath.Join(dir, "f")
	exchange := func(at string, put func(at string) error) {
		require.NoError(t, os.Rename(at, at+".away"))
		require.NoError(t, put(at))
	}
	restore := func(at string) {
		require.NoError(t, os.Remove(at))
		require.NoError(t, os.Rename(at+".away", at))
	}
	fifo := func(at string) error { return syscall.Mkfifo(at, 0o600) }
	link := func(at string) error { return os.Symlink(other, at) }
	for _, d := range []string{dir, other} {
		require.NoError(t, os.Mkdir(d, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(d, "f"), nil, 0o600))
	}
	for reason, put := range map[string]func(string) error{"was exchanged at this moment": link, "not a directory": fifo} {
		first, err := openTop()
		require.NoError(t, err)
		w := &walk{open: []*node{first}, todo: split(path)}
		last := ""
		for last == "" {
			last, err = w.step(path)
			require.NoError(t, err)
		}
		exchange(dir, put)
		_, err = w.enter(last)
		require.ErrorContains(t, err, reason)
		w.close()
		restore(dir)
	}
	for reason, put := range map[string]func(string) error{"was replaced at this moment": fifo, "path escapes from parent": link} {
		f, err := Open(path)
		require.NoError(t, err)
		info, err := f.stat()
		require.NoError(t, err)
		exchange(path, put)
		_, err = f.open(info)
		require.ErrorContains(t, err, reason)
		restore(path)
		require.NoError(t, f.Close())
	}
	// A link that is there by the time of the look was not there before.
	f, err := Open(path)
	require.NoError(t, err)
	defer f.Close()
	exchange(path, link)
	require.ErrorIs(t, f.Check(), ErrUnsafe)
}

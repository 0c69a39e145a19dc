//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/docent-go/docent/internal/base/oneline"
)

const nonBlocking = syscall.O_NONBLOCK

func owner(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }

func group(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Gid) }

func links(info fs.FileInfo) uint64 {
	return uint64(info.Sys().(*syscall.Stat_t).Nlink) //nolint:unconvert // other systems have smaller numbers
}

// trusted reports whether a user may decide which file is used.
func trusted(uid int) bool { return uid == 0 || uid == os.Geteuid() }

// checkTrusted rejects a file whose content another user may have chosen.
func checkTrusted(path string, info fs.FileInfo) error {
	if uid := owner(info); !trusted(uid) {
		return &unsafeError{path, fmt.Sprintf("belongs to uid %d, and this process runs as uid %d", uid, os.Geteuid()),
			"remove it, or name another file"}
	}
	if perm := info.Mode().Perm(); perm&0o002 != 0 {
		return &unsafeError{path, fmt.Sprintf("may be written by every user (mode %04o)", perm), "remove it, or take the right away (chmod o-w)"}
	}
	return nil
}

// checkOwn rejects a file that another user could go on reading and changing.
func checkOwn(path string, info fs.FileInfo) error {
	uid, me := owner(info), os.Geteuid()
	if uid == me {
		return nil
	}
	hint := fmt.Sprintf("remove it, or give it to uid %d", me)
	if me == 0 {
		hint = "give it to root with a group that may read it (chown root:GROUP, chmod 640), which both stay, or run this program as its owner"
	}
	return &unsafeError{path, fmt.Sprintf("belongs to uid %d, and this process runs as uid %d: the owner would change", uid, me), hint}
}

// checkPrivate rejects a file that another user can use.
func checkPrivate(path string, info fs.FileInfo) error {
	if uid, me := owner(info), os.Geteuid(); uid != me {
		return &unsafeError{path, fmt.Sprintf("belongs to uid %d, and this process runs as uid %d", uid, me), fmt.Sprintf("name a file of uid %d", me)}
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return &unsafeError{path, fmt.Sprintf("gives other users rights (mode %04o)", perm), "take the rights away (chmod go=)"}
	}
	return nil
}

// keepGroup gives a new file the group of the old one.
func keepGroup(path string, file *os.File, old fs.FileInfo) error {
	info, err := file.Stat()
	if err != nil || group(info) == group(old) {
		return err
	}
	err = file.Chown(-1, group(old))
	if errors.Is(err, fs.ErrPermission) {
		return &unsafeError{path, fmt.Sprintf("belongs to the group %d, which this process (uid %d) cannot give to a new file", group(old), os.Geteuid()),
			"give the file a group of this process (chgrp)"}
	}
	return err
}

// syncDir brings a rename to disk.
func syncDir(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	return oneline.Join(dir.Sync(), dir.Close())
}

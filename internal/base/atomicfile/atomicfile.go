// Package atomicfile replaces files as a whole, so that a reader never sees a
// part of the new content.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/docent-go/docent/internal/base/oneline"
)

// maxLinks is how many symbolic links Target follows, as Linux does.
const maxLinks = 40

// Target returns the path of the file that path leads to, through symbolic
// links in every part of it. Neither the file itself nor the target of its last
// link needs to exist; the file's directory must exist.
//
// Errors: a *fs.PathError for an unreadable directory or link; fs.ErrNotExist
// if a directory is missing; a loop of links.
func Target(path string) (string, error) {
	at := path
	for range maxLinks {
		dir, name := filepath.Split(at)
		if name == "" || name == "." || name == ".." {
			return filepath.EvalSymlinks(at) // a directory
		}
		if dir == "" {
			dir = "."
		}
		dir, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return "", err
		}
		at = filepath.Join(dir, name)
		info, err := os.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode()&fs.ModeSymlink == 0 {
			return at, nil
		}
		if err != nil {
			return "", err
		}
		link, err := os.Readlink(at)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(link) {
			// Not filepath.Join, which would remove "x/.." even if x is a link.
			link = dir + string(filepath.Separator) + link
		}
		at = link
	}
	return "", fmt.Errorf("%s leads through more than %d symbolic links: they may form a loop", path, maxLinks)
}

// Replace puts data into the file that path leads to, and syncs it to disk. The
// new file has the given mode and belongs to the current user. A failure leaves
// the file as it was, with one exception: syncing the directory, the last step,
// may fail after the file has been replaced.
func Replace(path string, data []byte, mode fs.FileMode) error {
	file, err := Target(path)
	if err != nil {
		return err
	}
	dir := filepath.Dir(file)
	tmp, err := temporary(file)
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	err = oneline.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return oneline.Join(err, os.Remove(tmp.Name()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return oneline.Join(d.Sync(), d.Close())
}

// Check tests whether Replace could make a file beside the one that path leads
// to. It changes nothing.
func Check(path string) error {
	file, err := Target(path)
	if err != nil {
		return err
	}
	tmp, err := temporary(file)
	if err != nil {
		return err
	}
	return oneline.Join(tmp.Close(), os.Remove(tmp.Name()))
}

// temporary makes a file in the directory of another, readable by its owner.
func temporary(file string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".docent-*")
}

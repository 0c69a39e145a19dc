//go:build !unix

package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Without owners, the rule of regular files is left.

const (
	nonBlocking = 0
	maxLinks    = 40
)

func links(fs.FileInfo) uint64 { return 1 }

func checkTrusted(string, fs.FileInfo) error { return nil }

func checkOwn(string, fs.FileInfo) error { return nil }

func checkPrivate(string, fs.FileInfo) error { return nil }

func keepGroup(string, *os.File, fs.FileInfo) error { return nil }

// syncDir does nothing: a directory cannot be synced here.
func syncDir(*os.Root) error { return nil }

// locate is Open.
func locate(path string) (*File, error) {
	at := path
	for range maxLinks {
		dir, name := filepath.Split(at)
		if name == "" || name == "." || name == ".." {
			return nil, &unsafeError{path, "is a directory", "name a file"}
		}
		if dir == "" {
			dir = "."
		}
		dir, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return nil, err
		}
		at = filepath.Join(dir, name)
		info, err := os.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode()&fs.ModeSymlink == 0 {
			root, err := os.OpenRoot(dir)
			if err != nil {
				return nil, err
			}
			return &File{dir: root, name: name, path: at}, nil
		}
		if err != nil {
			return nil, err
		}
		if at, err = os.Readlink(at); err != nil {
			return nil, err
		}
		if !filepath.IsAbs(at) {
			at = dir + string(filepath.Separator) + at // not filepath.Join, which would remove "x/.." even if x is a link
		}
	}
	return nil, fmt.Errorf("%s leads through more than %d symbolic links: they may form a loop", path, maxLinks)
}

package treefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/docent-go/docent/internal/base/oneline"
)

// WriteDirectory makes a directory with the keys. It must not exist, or be
// empty. It appears as a whole: the files are first written to a directory
// beside it, which is then renamed.
func (t Tree) WriteDirectory(dir string) (err error) {
	dir = filepath.Clean(dir)
	switch entries, err := os.ReadDir(dir); {
	case err == nil && len(entries) > 0:
		return fmt.Errorf("%s is not empty; name a new or an empty directory", dir)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	parent, name := filepath.Split(dir)
	if parent == "" {
		parent = "."
	}
	temporary, err := os.MkdirTemp(parent, "."+name+".docent-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = oneline.Join(err, os.RemoveAll(temporary))
		}
	}()
	root, err := os.OpenRoot(temporary)
	if err != nil {
		return err
	}
	if err := oneline.Join(t.fill(root), root.Close()); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // it was empty
	}
	return os.Rename(temporary, dir)
}

// fill writes the files into an empty directory.
func (t Tree) fill(root *os.Root) error {
	inner := t.Inner()
	for _, key := range t.Sorted() {
		file, err := fileOf(key, inner[key])
		if err != nil {
			return err
		}
		if err := root.MkdirAll(path.Dir(file), 0o700); err != nil {
			return err
		}
		out, err := root.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = out.Write(t.Keys[key])
		if err := oneline.Join(err, out.Sync(), out.Close()); err != nil {
			return err
		}
	}
	return nil
}

// ReadDirectory reads a directory of keys. It leaves out what begins with a
// dot. It follows links within the directory only, and opens nothing but
// regular files. It reads at most limit bytes.
func ReadDirectory(dir string, limit int64) (t Tree, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Tree{}, err
	}
	defer func() { err = oneline.Join(err, root.Close()) }()
	t.Keys = make(map[string][]byte)
	err = fs.WalkDir(root.FS(), ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case file == ".":
			return nil
		case strings.HasPrefix(entry.Name(), ".") && entry.IsDir():
			return fs.SkipDir
		case strings.HasPrefix(entry.Name(), ".") || entry.IsDir():
			return nil
		}
		key, err := keyOf(file)
		if err != nil {
			return err
		}
		if _, twice := t.Keys[key]; twice {
			return fmt.Errorf("two files of %s stand for the key %q; remove one", dir, key)
		}
		value, err := readRegular(root, dir, file, limit)
		if err != nil {
			return err
		}
		limit -= int64(len(value))
		t.Keys[key] = value
		return nil
	})
	if err != nil {
		return Tree{}, err
	}
	t.withoutDirectories()
	return t, nil
}

// readRegular reads a regular file.
func readRegular(root *os.Root, dir, file string, limit int64) (data []byte, err error) {
	info, err := root.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file; remove it, or rename it so that it begins with a dot", filepath.Join(dir, file))
	}
	in, err := root.OpenFile(file, os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = oneline.Join(err, in.Close()) }()
	data, err = io.ReadAll(io.LimitReader(in, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("the files of %s have too many bytes; raise --max-bytes", dir)
	}
	return data, err
}

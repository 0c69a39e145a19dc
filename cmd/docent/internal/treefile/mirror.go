package treefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/base/atomicfile"
	"github.com/docent-go/docent/internal/base/oneline"
)

// markerFile is in each directory that a Mirror has begun, and names the tree.
const markerFile = ".docent-sync"

// marker is the content of that file.
type marker struct {
	Path string `json:"path"`
}

// Mirror keeps a directory equal to a tree. Each file is replaced as a whole. A
// Mirror is not safe for concurrent use.
type Mirror struct {
	dir string
	// last are the files that the directory has, as far as is known. nil: it is
	// not known.
	last map[string][]byte
	// changed says that a file was changed since the last Apply without an
	// error.
	changed bool
}

// OpenMirror returns a Mirror of the tree at path. It makes the directory if it
// does not exist. It rejects a directory that has other files, or that is kept
// equal to another tree.
func OpenMirror(dir, path string) (*Mirror, error) {
	dir = filepath.Clean(dir)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	want := append(quoted(marker{path}), '\n')
	file := filepath.Join(dir, markerFile)
	if len(entries) == 0 {
		return &Mirror{dir: dir}, atomicfile.Replace(file, want, 0o600)
	}
	have, err := atomicfile.Read(file)
	var m marker
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s is not empty, and no docent has written its files; name a new or an empty directory", dir)
	case err != nil:
		return nil, err
	case json.Unmarshal(have, &m) != nil || m.Path != path:
		return nil, fmt.Errorf("%s is kept equal to the tree %q; name another directory, or remove it", dir, m.Path)
	}
	return &Mirror{dir: dir}, nil
}

// Apply makes the directory equal to the tree. It reports whether a file was
// changed, also by an earlier Apply that has failed. An error of one file does
// not keep the others from being written. A file stays if its key is unknown.
// skipped is about keys whose names are too long for a file.
func (m *Mirror) Apply(t Tree) (changed bool, skipped, err error) {
	files, without := t.files()
	err = m.apply(files, t.Unknown)
	changed = m.changed
	if err == nil {
		m.changed = false
	}
	return changed, oneline.Bounded(without...), err
}

func (m *Mirror) apply(files map[string][]byte, unknown []string) error {
	root, err := os.OpenRoot(m.dir)
	if err != nil {
		return err
	}
	var problems []error
	old := m.last
	if old == nil {
		if old, err = listed(root); err != nil {
			return oneline.Join(err, root.Close())
		}
	}
	m.last = nil
	for _, file := range stale(old, files, unknown) {
		if err := remove(root, file); err != nil {
			problems = append(problems, err)
			continue
		}
		m.changed = true
	}
	for _, file := range sorted(files) {
		if before, found := old[file]; found && before != nil && bytes.Equal(before, files[file]) {
			continue
		}
		wrote, err := m.write(root, file, files[file])
		m.changed = m.changed || wrote
		if err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) == 0 {
		m.last = files
		for file, value := range old { // of unknown keys
			if _, found := files[file]; !found && kept(file, unknown) {
				m.last[file] = value
			}
		}
	}
	return oneline.Join(oneline.Bounded(problems...), root.Close())
}

// files returns the values by the names of their files. It leaves out the keys
// that cannot have a file.
func (t Tree) files() (map[string][]byte, []error) {
	files := make(map[string][]byte, len(t.Keys))
	var problems []error
	inner := t.Inner()
	for _, key := range t.Sorted() {
		file, err := fileOf(key, inner[key])
		if err != nil {
			problems = append(problems, err)
			continue
		}
		files[file] = present(t.Keys[key])
	}
	return files, problems
}

func sorted(files map[string][]byte) []string { return Tree{Keys: files}.Sorted() }

// listed lists the files that stand for keys. Their values are nil.
func listed(root *os.Root) (map[string][]byte, error) {
	files := make(map[string][]byte)
	err := fs.WalkDir(root.FS(), ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case file == ".":
		case strings.HasPrefix(entry.Name(), ".") && entry.IsDir():
			return fs.SkipDir
		case !strings.HasPrefix(entry.Name(), ".") && !entry.IsDir():
			files[file] = nil
		}
		return nil
	})
	return files, err
}

// stale lists the old files whose keys are known and do not exist.
func stale(old, files map[string][]byte, unknown []string) []string {
	var gone []string
	for file := range old {
		if _, found := files[file]; !found && !kept(file, unknown) {
			gone = append(gone, file)
		}
	}
	slices.Sort(gone)
	return gone
}

// kept reports whether the file's key may exist although it is not in the tree.
func kept(file string, unknown []string) bool {
	key, err := keyOf(file)
	return err == nil && slices.ContainsFunc(unknown, func(hidden string) bool {
		return hidden == "" || key == hidden || strings.HasPrefix(key, hidden+"/")
	})
}

// remove removes a file, and the directories that are empty then.
func remove(root *os.Root, file string) error {
	if err := root.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		if root.Remove(dir) != nil {
			return nil // it is not empty
		}
	}
	return nil
}

// write replaces a file. It makes the directories of the file, and removes what
// is in the place of a directory or of the file: the tree has no such key.
func (m *Mirror) write(root *os.Root, file string, value []byte) (changed bool, err error) {
	for i, c := range file {
		if c != '/' {
			continue
		}
		dir := file[:i]
		info, err := root.Lstat(dir)
		if err == nil && !info.IsDir() {
			err = oneline.Join(root.Remove(dir), fs.ErrNotExist)
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = root.Mkdir(dir, 0o700)
		}
		if err != nil {
			return false, err
		}
	}
	switch info, err := root.Lstat(file); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return false, err
	case info.IsDir():
		err = root.RemoveAll(file)
		if err != nil {
			return false, err
		}
	case !info.Mode().IsRegular():
		if err := root.Remove(file); err != nil {
			return false, err
		}
	}
	err = atomicfile.With(filepath.Join(m.dir, filepath.FromSlash(file)), func(f *atomicfile.File) (err error) {
		changed, err = f.Update(value, 0o600)
		return err
	})
	return changed, err
}

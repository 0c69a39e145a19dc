//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// maxLinks is how many symbolic links a path may lead through, as on Linux.
const maxLinks = 40

// walk follows a path, one name at a time. It holds every directory on the way
// open. A directory that is exchanged in between makes no difference then. For
// the type node see node_linux.go and node_unix.go.
type walk struct {
	open  []*node  // from the root to the present directory
	names []string // of open[1:]
	todo  []string // the names that are left
	links int
}

// locate is Open.
func locate(file string) (*File, error) {
	at := file
	if !path.IsAbs(at) {
		dir, err := syscall.Getwd() // without links, unlike os.Getwd
		if err != nil {
			return nil, fmt.Errorf("working directory: %w", err)
		}
		at = dir + "/" + at
	}
	top, err := openTop()
	if err != nil {
		return nil, err
	}
	w := &walk{open: []*node{top}, todo: split(at)}
	defer w.close()
	for len(w.todo) > 0 {
		last, err := w.step(file)
		if err != nil {
			return nil, err
		}
		if last != "" {
			return w.enter(last)
		}
	}
	return nil, &unsafeError{w.dir(), "is a directory", "name a file"}
}

// split returns the names of a path. A final slash is the name ".": the path
// names a directory.
func split(at string) []string {
	var names []string
	for name := range strings.SplitSeq(at, "/") {
		if name != "" && name != "." {
			names = append(names, name)
		}
	}
	if strings.HasSuffix(at, "/") || strings.HasSuffix(at, "/.") {
		names = append(names, ".")
	}
	return names
}

func (w *walk) top() *node { return w.open[len(w.open)-1] }

func (w *walk) dir() string { return "/" + strings.Join(w.names, "/") }

// cut returns to the directory with n names.
func (w *walk) cut(n int) {
	for _, d := range w.open[n+1:] {
		d.close()
	}
	w.open, w.names = w.open[:n+1], w.names[:n]
}

func (w *walk) close() {
	w.cut(0)
	w.top().close()
}

// step goes one name further. It returns the name that is left when the present
// directory is the one of the file.
func (w *walk) step(file string) (last string, err error) {
	name := w.todo[0]
	w.todo = w.todo[1:]
	switch name {
	case ".":
		return "", nil
	case "..":
		w.cut(max(len(w.names)-1, 0))
		return "", nil
	}
	at := path.Join(w.dir(), name)
	next, err := w.top().look(name)
	if errors.Is(err, fs.ErrNotExist) && len(w.todo) == 0 {
		return name, nil // to be made
	}
	if err != nil {
		return "", named("lstat", at, err)
	}
	switch mode := next.info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		defer next.close()
		return "", w.follow(file, at, next)
	case mode.IsDir():
		w.open, w.names = append(w.open, next), append(w.names, name)
		return "", nil
	}
	next.close()
	if len(w.todo) > 0 {
		return "", &fs.PathError{Op: "lstat", Path: at, Err: syscall.ENOTDIR}
	}
	return name, nil
}

// follow puts the target of a link before what is left of the path.
func (w *walk) follow(file, at string, link *node) error {
	if w.links++; w.links > maxLinks {
		return fmt.Errorf("%s leads through more than %d symbolic links: they may form a loop", file, maxLinks)
	}
	if uid := owner(link.info); !trusted(uid) {
		return &unsafeError{at, fmt.Sprintf("is a symbolic link of uid %d, which this process (uid %d) does not follow", uid, os.Geteuid()),
			"name the target itself, or make the link anew as root or as the user of this process"}
	}
	target, err := link.target()
	if err != nil {
		return named("readlink", at, err)
	}
	if path.IsAbs(target) {
		w.cut(0)
	}
	w.todo = append(split(target), w.todo...)
	return nil
}

// enter checks the directory of the file and opens it. The directory that was
// walked to is still open: if another one has its path by now, it is rejected.
func (w *walk) enter(name string) (*File, error) {
	dir := w.dir()
	info := w.top().info
	perm := info.Mode().Perm()
	switch uid := owner(info); {
	case !trusted(uid):
		return nil, &unsafeError{dir, fmt.Sprintf("belongs to uid %d, who can exchange every file in it", uid),
			fmt.Sprintf("use a directory of uid %d or of root", os.Geteuid())}
	case perm&0o002 != 0 && info.Mode()&fs.ModeSticky == 0:
		return nil, &unsafeError{dir, fmt.Sprintf("may be written by every user (mode %04o), who can exchange every file in it", perm),
			"make a directory of your own in it, or take the right away (chmod o-w), or protect the files (chmod +t)"}
	}
	// With "/." this fails at once if there is a FIFO instead of a directory.
	root, err := os.OpenRoot(dir + "/.")
	if err != nil {
		return nil, named("open", dir, err)
	}
	opened, err := root.Stat(".")
	if err == nil && !os.SameFile(info, opened) {
		err = &unsafeError{dir, "was exchanged at this moment", "try again"}
	}
	if err != nil {
		_ = root.Close() // nothing was written
		return nil, err
	}
	return &File{dir: root, name: name, path: path.Join(dir, name), shared: perm&0o022 != 0}, nil
}

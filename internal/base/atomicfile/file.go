package atomicfile

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/docent-go/docent/internal/base/oneline"
)

// ErrUnsafe matches the errors of files, links and directories that another
// user of the machine controls, and of files that are not regular.
var ErrUnsafe = errors.New("the file is not safe to use")

// unsafeError is ErrUnsafe with its reason, and with what to do.
type unsafeError struct{ path, reason, hint string }

func (e *unsafeError) Error() string {
	return fmt.Sprintf("%s %s; %s", e.path, e.reason, e.hint)
}

func (e *unsafeError) Is(target error) bool { return target == ErrUnsafe }

// File is the place of a file, which need not exist. Its directory stays open
// until Close. A File is not safe for concurrent use.
type File struct {
	dir    *os.Root
	name   string // in dir
	path   string // of the file, without links
	shared bool   // other users may create files in dir
}

// Open follows the path to its directory. It does not open the file.
//
// Errors: ErrUnsafe; a *fs.PathError for a directory that is missing or must
// not be searched; a loop of links.
func Open(path string) (*File, error) { return locate(path) }

// Close closes the directory.
func (f *File) Close() error { return f.dir.Close() }

// stat describes the file. It returns nil if the file does not exist.
func (f *File) stat() (fs.FileInfo, error) {
	info, err := f.dir.Lstat(f.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, named("lstat", f.path, err)
	}
	return info, f.checkFile(info)
}

func (f *File) checkFile(info fs.FileInfo) error {
	switch {
	case info.Mode().IsRegular():
	case info.IsDir():
		return &unsafeError{f.path, "is a directory", "name a file"}
	case info.Mode()&fs.ModeSymlink != 0:
		return &unsafeError{f.path, "has become a symbolic link at this moment", "find out which program makes it"}
	default:
		return &unsafeError{f.path, "is " + kind(info.Mode()) + ", not a regular file", "remove it, or name another file"}
	}
	if f.shared && links(info) > 1 {
		return &unsafeError{f.path, "has several names (hard links) in a directory where other users may create files",
			"remove it, or use a directory of your own"}
	}
	return nil
}

// kind says what is not a regular file.
func kind(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

// open opens the file that info describes, without blocking. If another file
// has its name by now, it returns an error.
func (f *File) open(info fs.FileInfo) (*os.File, error) {
	file, err := f.dir.OpenFile(f.name, os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return nil, named("open", f.path, err)
	}
	opened, err := file.Stat()
	if err == nil && !os.SameFile(info, opened) {
		err = &unsafeError{f.path, "was replaced at this moment", "try again"}
	}
	if err != nil {
		return nil, oneline.Join(err, file.Close())
	}
	return file, nil
}

// Read returns the content of the file. Errors: ErrUnsafe; fs.ErrNotExist and
// other errors of the file system, as *fs.PathError.
func (f *File) Read() ([]byte, error) {
	info, err := f.stat()
	if err == nil && info == nil {
		err = &fs.PathError{Op: "open", Path: f.path, Err: fs.ErrNotExist}
	}
	if err == nil {
		err = checkTrusted(f.path, info)
	}
	if err != nil {
		return nil, err
	}
	return f.content(info)
}

func (f *File) content(info fs.FileInfo) ([]byte, error) {
	file, err := f.open(info)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(file)
	return data, oneline.Join(err, file.Close())
}

// own is stat for a file that is replaced or removed.
func (f *File) own() (fs.FileInfo, error) {
	info, err := f.stat()
	if err == nil && info != nil {
		err = checkOwn(f.path, info)
	}
	if err != nil {
		return nil, err
	}
	return info, nil
}

// Update gives the file the content, unless it has it already. A new file has
// the given mode; an existing one keeps its mode and its group.
func (f *File) Update(data []byte, mode fs.FileMode) (changed bool, err error) {
	info, err := f.own()
	if err != nil {
		return false, err
	}
	if info != nil {
		mode = info.Mode().Perm()
		if info.Size() == int64(len(data)) {
			old, err := f.content(info)
			if err == nil && bytes.Equal(old, data) {
				return false, nil
			}
			if err != nil && !errors.Is(err, fs.ErrPermission) { // a file that may be replaced need not be readable
				return false, err
			}
		}
	}
	return true, f.replace(data, mode, info)
}

// Replace gives the file the content and the mode. A failure leaves the file as
// it was, with one exception: syncing the directory, the last step, may fail
// after the file has been replaced.
func (f *File) Replace(data []byte, mode fs.FileMode) error {
	info, err := f.own()
	if err != nil {
		return err
	}
	return f.replace(data, mode, info)
}

func (f *File) replace(data []byte, mode fs.FileMode, old fs.FileInfo) error {
	name, err := f.written(data, mode, old)
	if err != nil {
		return err
	}
	if err := f.dir.Rename(name, f.name); err != nil {
		return oneline.Join(f.failed("rename a temporary file to", err), f.drop(name))
	}
	return syncDir(f.dir)
}

// written makes a file in the directory that has the content, the mode and the
// group of the old file, and brings it to disk. It leaves no file if it fails.
func (f *File) written(data []byte, mode fs.FileMode, old fs.FileInfo) (name string, err error) {
	tmp, name, err := f.temporary()
	if err != nil {
		return "", err
	}
	_, err = tmp.Write(data)
	err = f.failed("write a temporary file beside", err)
	if err == nil && old != nil {
		err = keepGroup(f.path, tmp, old)
	}
	if err == nil {
		err = f.failed("chmod a temporary file beside", tmp.Chmod(mode))
	}
	if err = oneline.Join(err, f.failed("sync a temporary file beside", tmp.Sync()), f.failed("close a temporary file beside", tmp.Close())); err != nil {
		return "", oneline.Join(err, f.drop(name))
	}
	return name, nil
}

// Check tests whether the file could be replaced. It changes nothing.
func (f *File) Check() error {
	if _, err := f.own(); err != nil {
		return err
	}
	tmp, name, err := f.temporary()
	if err != nil {
		return err
	}
	return oneline.Join(f.failed("close a temporary file beside", tmp.Close()), f.drop(name))
}

// Remove removes the file. It reports whether there was one.
func (f *File) Remove() (removed bool, err error) {
	info, err := f.own()
	if err != nil || info == nil {
		return false, err
	}
	if err := f.dir.Remove(f.name); err != nil {
		return false, named("remove", f.path, err)
	}
	return true, nil
}

// Append adds a suffix to the file's name. It replaces a file that has the new
// name.
func (f *File) Append(suffix string) error {
	if _, err := f.own(); err != nil {
		return err
	}
	if err := f.dir.Rename(f.name, f.name+suffix); err != nil {
		return named("rename", f.path, err)
	}
	return nil
}

// failed is named for an error that may be nil. A temporary file has a random
// name, so the errors of its operations name f instead: each try has the same.
func (f *File) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	return named(op, f.path, err)
}

// named is the error of an os.Root with the whole path.
func named(op, path string, err error) error {
	var short *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &short):
		err = short.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// temporary makes a file in the directory, readable by its owner.
func (f *File) temporary() (tmp *os.File, name string, err error) {
	name = "." + f.name + ".docent-" + rand.Text()[:12]
	tmp, err = f.dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, "", named("create a temporary file beside", f.path, err)
	}
	return tmp, name, nil
}

// drop removes a temporary file.
func (f *File) drop(name string) error {
	return f.failed("remove a temporary file beside", f.dir.Remove(name))
}

// Read is Open and File.Read.
func Read(path string) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	data, err := f.Read()
	return data, oneline.Join(err, f.Close())
}

// Replace is Open and File.Replace.
func Replace(path string, data []byte, mode fs.FileMode) error {
	return With(path, func(f *File) error { return f.Replace(data, mode) })
}

// With opens the path and calls do with it.
func With(path string, do func(f *File) error) error {
	f, err := Open(path)
	if err != nil {
		return err
	}
	return oneline.Join(do(f), f.Close())
}

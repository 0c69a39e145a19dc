package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/docent-go/docent/internal/base/oneline"
)

// maxSecret is the size of the largest secret, in bytes.
const maxSecret = 4 << 10

// Secret returns the content of a file that this process's user alone may use.
// If the file does not exist, Secret creates it with the content fresh. The file
// appears as a whole: of several processes at once, one creates it, and the
// others read what that one wrote. An existing file is never changed. For a
// moment a new file has two names: in a directory where other users may create
// files, a process that starts in this moment may get ErrUnsafe.
//
// Errors: ErrUnsafe, also for a file that another user owns, root too, or has a
// right on; a file of more than 4 KiB; errors of the file system. No error shows
// the content.
func Secret(path string, fresh []byte) (content []byte, err error) {
	err = With(path, func(f *File) (err error) {
		if content, err = f.readSecret(); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err = f.create(fresh); errors.Is(err, fs.ErrExist) { // another process was faster
			content, err = f.readSecret()
			return err
		}
		content = fresh
		return err
	})
	if err != nil {
		return nil, err
	}
	return content, nil
}

// readSecret returns the content of a file that no other user may use.
func (f *File) readSecret() ([]byte, error) {
	info, err := f.stat()
	if err == nil && info == nil {
		err = &fs.PathError{Op: "open", Path: f.path, Err: fs.ErrNotExist}
	}
	if err == nil {
		err = checkPrivate(f.path, info)
	}
	if err == nil && info.Size() > maxSecret {
		err = fmt.Errorf("%s has more than %d bytes; name another file", f.path, maxSecret)
	}
	if err != nil {
		return nil, err
	}
	return f.content(info)
}

// create makes the file. It fails with fs.ErrExist if there is one already. The
// content is written under another name first: a file without its content, or
// with a part of it, never has the name.
func (f *File) create(data []byte) error {
	name, err := f.written(data, 0o600, nil)
	if err != nil {
		return err
	}
	if err = f.dir.Link(name, f.name); err != nil {
		err = named("link", f.path, err)
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
			err = fmt.Errorf("%w; use a file system with hard links", err)
		}
	}
	if err = oneline.Join(err, f.drop(name)); err != nil {
		return err
	}
	return syncDir(f.dir)
}

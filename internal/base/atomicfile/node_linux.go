package atomicfile

import (
	"io/fs"
	"os"
	"syscall"
	"unsafe"
)

// oPath opens a name without opening the file: it needs no right on the file,
// and a device or a FIFO does not notice. The syscall package lacks it. It has
// the same value on every architecture of Go.
const oPath = 0x200000

// node is a directory or a link, or any other file, by a descriptor that cannot
// read it.
type node struct {
	file *os.File
	info fs.FileInfo
}

func openTop() (*node, error) {
	file, err := os.OpenFile("/", oPath|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	return described(file)
}

func described(file *os.File) (*node, error) {
	info, err := file.Stat()
	if err != nil {
		_ = file.Close() // the first error is the one to report
		return nil, err
	}
	return &node{file, info}, nil
}

// look returns what has the name in a directory. It does not follow a link.
func (n *node) look(name string) (*node, error) {
	for {
		fd, err := syscall.Openat(int(n.file.Fd()), name, oPath|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
		switch err {
		case nil:
			return described(os.NewFile(uintptr(fd), name))
		case syscall.EINTR:
		default:
			return nil, err
		}
	}
}

// target returns what a link leads to. It is this very link: the descriptor
// names it, not its path.
func (n *node) target() (string, error) {
	empty := [1]byte{}
	for size := 256; ; size *= 2 {
		buf := make([]byte, size)
		count, _, errno := syscall.Syscall6(syscall.SYS_READLINKAT, n.file.Fd(),
			uintptr(unsafe.Pointer(&empty[0])), uintptr(unsafe.Pointer(&buf[0])), uintptr(size), 0, 0)
		switch {
		case errno != 0:
			return "", errno
		case int(count) < size:
			return string(buf[:count]), nil
		}
	}
}

// close ignores the error: nothing was written.
func (n *node) close() { _ = n.file.Close() }

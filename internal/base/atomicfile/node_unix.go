//go:build unix && !linux

package atomicfile

import (
	"io/fs"
	"os"
)

// node is a directory, which is open, or a link or any other file by its name.
// To look into a directory, this process needs the right to read it.
type node struct {
	root *os.Root // of a directory
	in   *os.Root // the directory of another file
	name string
	info fs.FileInfo
}

func openTop() (*node, error) {
	root, err := os.OpenRoot("/")
	if err != nil {
		return nil, err
	}
	return described(root)
}

func described(root *os.Root) (*node, error) {
	info, err := root.Stat(".")
	if err != nil {
		_ = root.Close() // the first error is the one to report
		return nil, err
	}
	return &node{root: root, info: info}, nil
}

// look returns what has the name in a directory. It does not follow a link.
func (n *node) look(name string) (*node, error) {
	info, err := n.root.Lstat(name)
	if err != nil || !info.IsDir() {
		return &node{in: n.root, name: name, info: info}, err
	}
	root, err := n.root.OpenRoot(name + "/.") // a FIFO that has the name by now is rejected at once
	if err != nil {
		return nil, err
	}
	next, err := described(root)
	if err == nil && !os.SameFile(info, next.info) {
		next.close()
		return nil, &unsafeError{name, "was exchanged at this moment", "try again"}
	}
	return next, err
}

// target returns what a link leads to.
func (n *node) target() (string, error) {
	target, err := n.in.Readlink(n.name)
	if err != nil {
		return "", err
	}
	again, err := n.in.Lstat(n.name)
	if err == nil && !os.SameFile(n.info, again) {
		err = &unsafeError{n.name, "was exchanged at this moment", "try again"}
	}
	return target, err
}

// close ignores the error: nothing was written.
func (n *node) close() {
	if n.root != nil {
		_ = n.root.Close()
	}
}

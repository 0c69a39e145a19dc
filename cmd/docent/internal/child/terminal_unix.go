//go:build unix

package child

import "os"

// terminal is the controlling terminal of this process.
type terminal struct{ file *os.File }

// openTerminal returns nil when the process has no controlling terminal.
func openTerminal() *terminal {
	file, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil // the error of a process without a terminal
	}
	return &terminal{file}
}

// close closes the terminal. It ignores the error: nothing was read or written.
func (t *terminal) close() {
	if t != nil {
		_ = t.file.Close()
	}
}

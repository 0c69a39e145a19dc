package child

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// openPTY returns a new pseudoterminal: the end of the keyboard, and the end
// that programs see.
func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudoterminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	var unlock, number int32
	for request, arg := range map[uintptr]*int32{syscall.TIOCSPTLCK: &unlock, syscall.TIOCGPTN: &number} {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(unsafe.Pointer(arg)))
		require.Zero(t, errno)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

func init() { roles["terminal"] = playInTerminal }

// playInTerminal is a parent with a terminal: it runs a command that prints
// its signals, then one that reads.
func playInTerminal() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	for _, role := range []string{"signals", "echo"} {
		c := command(role)
		c.Stdin, c.Stdout = os.Stdin, os.Stdout
		out, err := Run(context.Background(), c, signals)
		say(err)
		fmt.Println("parent:", out.Code, out.Signals)
	}
}

func TestRun_terminal(t *testing.T) {
	master, slave := openPTY(t)
	parent := self("terminal")
	parent.Stdin, parent.Stdout, parent.Stderr = slave, slave, slave
	parent.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, parent.Start())
	slave.Close()
	// A parent that hangs fails the test instead of hanging it.
	watchdog := time.AfterFunc(3*time.Minute, func() { parent.Process.Kill() })
	defer watchdog.Stop()

	out := lines{bufio.NewScanner(master), t}
	line := func() string { return strings.TrimPrefix(strings.TrimRight(out.next(), "\r"), "^C") }
	require.Equal(t, "ready", line())

	_, err := master.WriteString("\x03") // Ctrl-C
	require.NoError(t, err)
	require.Equal(t, "interrupt", line(), "the terminal's, which both got")
	require.NoError(t, parent.Process.Signal(syscall.SIGTERM))
	require.Equal(t, "terminated", line(), "the next is the parent's: Ctrl-C came once")
	// The command printed "interrupt", and its parent may have been slower.
	require.Contains(t, []string{"parent: 7 [interrupt terminated]", "parent: 7 [terminated interrupt]"}, line())

	// In a group of its own the command would be stopped as it reads.
	_, err = master.WriteString("hello\n\x04")
	require.NoError(t, err)
	var rest []string
	for out.Scan() {
		rest = append(rest, strings.TrimSpace(out.Text()))
	}
	require.Contains(t, rest, "read hello")
	require.Contains(t, rest, "parent: 0 []")
	require.NoError(t, parent.Wait())
}

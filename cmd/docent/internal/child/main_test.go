//go:build unix

package child

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// roleVar makes the test binary play a command instead of running tests.
const roleVar = "DOCENT_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVar); role != "" {
		play(role)
	}
	if tty := openTerminal(); tty != nil {
		// What is tested depends on there being a terminal or none: without
		// one it is the same everywhere.
		tty.close()
		os.Exit(withoutTerminal())
	}
	goleak.VerifyTestMain(m)
}

// adoptRole is set where there are subreapers.
var adoptRole = func() { panic("only Linux has subreapers") }

func withoutTerminal() int {
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return exitCode(cmd.ProcessState)
}

// play does what a command of the given role does. It does not return.
func play(role string) {
	signals := make(chan os.Signal, 16)
	switch role {
	case "exit":
		code, err := strconv.Atoi(os.Args[1])
		if err != nil {
			panic(err)
		}
		os.Exit(code)
	case "adopt": // see orphans_linux_test.go
		adoptRole()
	case "suicide":
		say(syscall.Kill(os.Getpid(), syscall.SIGKILL))
	case "echo": // what it is told, line by line
		fmt.Println(os.Getenv("DOCENT_TOKEN"), os.Args[1:])
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			fmt.Println("read", in.Text())
		}
		os.Exit(0)
	case "signals": // prints each signal; ends at SIGTERM
		signal.Notify(signals)
		if len(os.Args) > 1 { // "pid"
			fmt.Println("ready", os.Getpid())
		} else {
			fmt.Println("ready")
		}
		for sig := range signals {
			if sig == syscall.SIGURG { // the runtime's own
				continue
			}
			fmt.Println(sig)
			if sig == syscall.SIGTERM {
				os.Exit(7)
			}
		}
	case "stubborn": // does not end by itself
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		fmt.Println("ready")
		select {}
	case "family": // leaves a grandchild behind that ignores SIGTERM
		cmd := self("stubborn")
		out, err := cmd.StdoutPipe()
		say(err)
		say(cmd.Start())
		bufio.NewScanner(out).Scan()
		fmt.Println(cmd.Process.Pid)
		select {} // ends at SIGTERM
	case "parent": // runs a stubborn command as the package does, and can be killed
		c := command("pid")
		c.Stdout = os.Stdout
		_, err := Run(exitOnSignal, c, nil)
		say(err)
	case "pid":
		fmt.Println(os.Getpid())
		select {}
	default:
		roles[role]()
	}
	os.Exit(0)
}

// roles are those that not every system has.
var roles = map[string]func(){}

func say(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(99)
	}
}

package main

import (
	"bufio"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

//go:embed java/*.java python/bench.py
var driverSources embed.FS

// driverPatience is the maximum time of a driver's task.
const driverPatience = 3 * time.Minute

// longestAnswer is the limit that the servers and Java's clients have for an
// answer.
const longestAnswer = 4 << 20

// driver is a program that measures another library, in its own process. Its
// standard input has a line for each run, and it answers with a line:
//
//	VERB SERVERS PATH CLIENTS SESSIONS OPS WARM
//	ok ELAPSED-NS OPS NS,NS,NS…
//	fail REASON
//
// It keeps its sessions from one run to the next.
type driver struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	target string // instead of SERVERS, for a driver that has a server of its own
	absent error
}

// task is one line to a driver.
type task struct {
	verb              string
	clients, sessions int
	ops               int
}

// external is a subject that a driver measures.
func external(name string, t task) subject {
	return subject{name, func(e env) (sample, error) { return ask(e, name, e.dir, t) }}
}

// ask makes a driver do a task at a path.
func ask(e env, name, path string, t task) (sample, error) {
	d := e.lab.driver(name)
	if d.absent != nil {
		return sample{}, d.absent
	}
	target := d.target
	if target == "" {
		target = e.site.String()
	}
	s, err := d.run(target, path, t)
	if d.absent != nil { // it has ended: the next task starts another one
		d.stop()
		delete(e.lab.drivers, name)
	}
	return s, err
}

func (d *driver) run(target, dir string, t task) (sample, error) {
	line := fmt.Sprintln(t.verb, target, dir, max(1, t.clients), max(1, t.sessions), t.ops, warmth(t.ops))
	if _, err := io.WriteString(d.in, line); err != nil {
		return sample{}, err
	}
	hung := time.AfterFunc(driverPatience, func() { _ = d.cmd.Process.Kill() }) // then reading its answer fails
	defer hung.Stop()
	answer, err := d.out.ReadString('\n')
	if err != nil {
		d.absent = fmt.Errorf("the driver has ended: %w", err)
		return sample{}, d.absent
	}
	return parseAnswer(strings.TrimSpace(answer))
}

func parseAnswer(line string) (sample, error) {
	words := strings.SplitN(line, " ", 4)
	if words[0] == "fail" {
		return sample{}, errors.New(strings.TrimPrefix(line, "fail "))
	}
	if words[0] != "ok" || len(words) < 3 {
		return sample{}, fmt.Errorf("not an answer: %q", line)
	}
	elapsed, err := strconv.ParseInt(words[1], 10, 64)
	if err != nil {
		return sample{}, fmt.Errorf("not an answer: %w", err)
	}
	s := sample{elapsed: time.Duration(elapsed)}
	if s.ops, err = strconv.Atoi(words[2]); err != nil {
		return sample{}, fmt.Errorf("not an answer: %w", err)
	}
	if len(words) == 4 {
		for word := range strings.SplitSeq(words[3], ",") {
			ns, err := strconv.ParseInt(word, 10, 64)
			if err != nil {
				return sample{}, fmt.Errorf("not an answer: %w", err)
			}
			s.each = append(s.each, time.Duration(ns))
		}
	}
	return s, nil
}

// driver returns the driver of that name, which is started once.
func (l *lab) driver(name string) *driver {
	if d := l.drivers[name]; d != nil {
		return d
	}
	d := &driver{}
	l.drivers[name] = d
	dir, err := os.MkdirTemp("", "docent-bench-")
	if err != nil {
		d.absent = err
		return d
	}
	l.bed.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			l.bed.Errorf("removing a driver: %v", err)
		}
	})
	var cmd *exec.Cmd
	switch name {
	case curator:
		cmd, err = curatorDriver(dir)
	case kazoo:
		cmd, err = kazooDriver(dir)
	case etcd:
		cmd, d.target, err = l.etcdDriver(dir)
	default:
		err = fmt.Errorf("no driver for %s", name)
	}
	if err == nil {
		err = d.start(cmd)
	}
	d.absent = err
	return d
}

func (d *driver) start(cmd *exec.Cmd) error {
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	d.cmd, d.in, d.out = cmd, in, bufio.NewReaderSize(out, 1<<20)
	return nil
}

// stop ends the driver by closing its input.
func (d *driver) stop() {
	if d.cmd == nil {
		return
	}
	_ = d.in.Close() // it may have ended by itself
	timer := time.AfterFunc(5*time.Second, func() { _ = d.cmd.Process.Kill() })
	_ = d.cmd.Wait() // its answers have reported any failure
	timer.Stop()
}

// copyTo writes one embedded file.
func copyTo(dir string, files fs.FS, name string) (string, error) {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, filepath.Base(name))
	return file, os.WriteFile(file, text, 0o600)
}

func curatorDriver(dir string) (*exec.Cmd, error) {
	cell, err := ensemble.CurrentCell()
	if err != nil {
		return nil, err
	}
	classpath, err := cell.Curator()
	if err != nil {
		return nil, err
	}
	for _, program := range []string{"java", "javac"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("no %s (Debian: apt-get install default-jdk-headless)", program)
		}
	}
	compile := []string{"-cp", classpath, "-d", dir}
	names, err := fs.Glob(driverSources, "java/*.java")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		source, err := copyTo(dir, driverSources, name)
		if err != nil {
			return nil, err
		}
		compile = append(compile, source)
	}
	if out, err := exec.Command("javac", compile...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling the Java driver: %w: %s", err, out)
	}
	// A list of 100,000 is longer than a client's default limit.
	return exec.Command("java", "-Xmx1g", "-Xss256k", "-Djute.maxbuffer="+strconv.Itoa(longestAnswer), "-cp", dir+string(filepath.ListSeparator)+classpath, "Bench"), nil
}

func kazooDriver(dir string) (*exec.Cmd, error) {
	source, err := copyTo(dir, driverSources, "python/bench.py")
	if err != nil {
		return nil, err
	}
	cell, err := ensemble.CurrentCell()
	if err != nil {
		return nil, err
	}
	python, env, err := cell.Kazoo()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(python, source)
	cmd.Env = append(os.Environ(), env...)
	return cmd, nil
}

// etcdDriver builds the driver, and starts a server for it. The driver is a
// module of its own, so that measuring ZooKeeper alone does not need etcd's
// client.
func (l *lab) etcdDriver(dir string) (*exec.Cmd, string, error) {
	server, err := exec.LookPath("etcd")
	if err != nil {
		return nil, "", errors.New("no etcd (Debian: apt-get install etcd-server)")
	}
	here, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/docent-go/docent/bench").Output()
	if err != nil {
		return nil, "", fmt.Errorf("looking for the sources of the etcd driver: %w", err)
	}
	program := filepath.Join(dir, "driver")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = filepath.Join(strings.TrimSpace(string(here)), "etcd")
	build.Env = append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("building the etcd driver: %w: %s", err, out)
	}
	client, peer, err := freePorts()
	if err != nil {
		return nil, "", err
	}
	// The data is in memory if /dev/shm exists: ZooKeeper does not wait for the
	// disk either.
	data := "/dev/shm"
	if _, err := os.Stat(data); err != nil {
		data = dir
	}
	if data, err = os.MkdirTemp(data, "docent-bench-etcd-"); err != nil {
		return nil, "", err
	}
	cmd := exec.Command(server, "--data-dir", data, "--log-level", "error",
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer)
	if runtime.GOOS == "linux" {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	}
	cmd.Env = append(os.Environ(), "ETCD_UNSUPPORTED_ARCH="+runtime.GOARCH)
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	l.bed.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if err := os.RemoveAll(data); err != nil {
			l.bed.Errorf("removing etcd's data: %v", err)
		}
	})
	return exec.Command(program), client, nil
}

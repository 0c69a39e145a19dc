// Command jitter runs go test with a slower scheduler. At channels and mutexes,
// goroutines step back behind all others that are ready, some of them again and
// again. So orders that are rare on a quiet machine become frequent. In virtual
// time nothing else changes: events at one instant may happen in any order. If
// a test fails under jitter, the test or the code is wrong.
//
//	go run ./internal/testing/jitter -count=5 ./lock ./election
//
// All arguments are go test's. The installed Go is not changed: go's -overlay
// replaces its runtime for these test binaries alone. DOCENT_JITTER is set in
// them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "jitter:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	dir, err := os.MkdirTemp("", "jitter")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	overlay, err := write(ctx, dir)
	if err != nil {
		return err
	}
	test := exec.CommandContext(ctx, "go", append([]string{"test", "-overlay=" + overlay}, args...)...)
	test.Env = append(os.Environ(), "DOCENT_JITTER=1")
	test.Stdout, test.Stderr = os.Stdout, os.Stderr
	test.Cancel = func() error { return test.Process.Signal(os.Interrupt) }
	return test.Run()
}

// write makes the changed files in dir, and the overlay file that lists them.
func write(ctx context.Context, dir string) (overlay string, err error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	src := filepath.Join(strings.TrimSpace(string(out)), "src")
	files := map[string]string{"runtime/dawdle.go": dawdle}
	for _, i := range insertions {
		if files[i.file] == "" {
			text, err := os.ReadFile(filepath.Join(src, i.file))
			if err != nil {
				return "", err
			}
			files[i.file] = string(text)
		}
		if strings.Count(files[i.file], i.behind) != 1 {
			return "", fmt.Errorf("in this version of Go, %s does not have %q exactly once: adapt the insertions of jitter", i.file, i.behind)
		}
		files[i.file] = strings.Replace(files[i.file], i.behind, i.behind+i.line+"\n", 1)
	}
	replaced := map[string]string{}
	for name, text := range files {
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "", err
		}
		replaced[filepath.Join(src, name)] = file
	}
	list, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o600)
}

// insertion is a line to insert into a file of the standard library.
type insertion struct{ file, behind, line string }

var insertions = []insertion{
	{"runtime/chan.go", "\nfunc chansend1(c *hchan, elem unsafe.Pointer) {\n", "\tdawdle()"},
	{"runtime/chan.go", "\nfunc closechan(c *hchan) {\n", "\tdawdle()"},
	{"runtime/chan.go", "\nfunc chanrecv1(c *hchan, elem unsafe.Pointer) {\n", "\tdawdle()"},
	{"runtime/chan.go", "\nfunc chanrecv2(c *hchan, elem unsafe.Pointer) (received bool) {\n", "\tdawdle()"},
	{"runtime/chan.go", "\nfunc selectnbsend(c *hchan, elem unsafe.Pointer) (selected bool) {\n", "\tdawdle()"},
	{"runtime/chan.go", "\nfunc selectnbrecv(elem unsafe.Pointer, c *hchan) (selected, received bool) {\n", "\tdawdle()"},
	{"runtime/select.go", "\nfunc selectgo(cas0 *scase, order0 *uint16, pc0 *uintptr, nsends, nrecvs int, block bool) (int, bool) {\n", "\tdawdle()"},
	{"sync/mutex.go", "\nfunc (m *Mutex) Lock() {\n", "\tdawdle()"},
	{"sync/mutex.go", "\nfunc (m *Mutex) Unlock() {\n", "\tdefer dawdle()"},
	{"sync/runtime.go", "\nimport \"unsafe\"\n", "\n//go:linkname dawdle\nfunc dawdle()"},
}

// dawdle becomes a file of the runtime. It does nothing in the runtime's own
// goroutines, and where a goroutine must not be descheduled.
const dawdle = `package runtime

import _ "unsafe"

//go:linkname sync_dawdle sync.dawdle
func sync_dawdle() { dawdle() }

const firstOfTheProgram = 6 // goroutines before it are the runtime's

var dawdleSeed uint64

func dawdle() {
	gp := getg()
	mp := gp.m
	if mp.curg != gp || mp.locks != 0 || mp.mallocing != 0 || mp.dying != 0 || mp.preemptoff != "" || gp.goid < firstOfTheProgram {
		return
	}
	if dawdleSeed == 0 {
		dawdleSeed = uint64(cheaprand())<<1 | 1 // two goroutines may set it at a time, which is harmless
	}
	kind := ((gp.goid ^ dawdleSeed) * 0x9E3779B97F4A7C15) >> 60
	times := uint32(0)
	switch {
	case kind == 0: // always slow
		if cheaprandn(2) == 0 {
			times = 1 + cheaprandn(24)
		}
	case kind <= 8:
		switch cheaprandn(24) {
		case 0, 1:
			times = 1
		case 2:
			times = 1 + cheaprandn(6)
		case 3:
			times = 1 + cheaprandn(40)
		}
	}
	for ; times > 0; times-- {
		Gosched()
	}
}
`

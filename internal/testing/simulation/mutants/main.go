// Command mutants proves that the tests can fail. It breaks the library in one
// known way after the other, without touching a file (go's -overlay). For each
// mutant it runs the simulations that should notice, or the tests of a package
// if no random program meets the fault. It prints the seed and the broken
// promise that killed the mutant. A surviving mutant makes the command fail.
//
//	go run ./internal/testing/simulation/mutants            all of them
//	go run ./internal/testing/simulation/mutants -few       a few of them
//	go run ./internal/testing/simulation/mutants -only name those whose name matches
//	go run ./internal/testing/simulation/mutants -into FILE also writes the table between the marks in FILE
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	few := flag.Bool("few", false, "run only the mutants that make test runs")
	only := flag.String("only", "", "run the mutants whose name matches this regular expression")
	into := flag.String("into", "", "also write the table into this file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *few, *only, *into); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// death is how a mutant was noticed.
type death struct {
	mutant
	by   string // the test
	seed string
	what string // the promise
	same string // how many of the repeated runs of that seed break it again
}

func run(ctx context.Context, few bool, only, into string) error {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var deaths []death
	var survivors []string
	var failures []error
	for _, m := range mutants {
		if few && !m.few || !wanted.MatchString(m.name) {
			continue
		}
		d, err := m.run(ctx, dir)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errSurvived):
			survivors = append(survivors, m.name)
			fmt.Printf("SURVIVED  %s (%s)\n", m.name, m.tests)
			continue
		case err != nil:
			failures = append(failures, fmt.Errorf("mutant %q: %w", m.name, err))
			continue
		}
		deaths = append(deaths, d)
		fmt.Printf("killed    %-55s %s, seed %s: %s (again in %s)\n", m.name, d.by, d.seed, d.what, d.same)
	}
	if into != "" {
		if err := write(into, deaths); err != nil {
			return err
		}
	}
	if len(survivors) > 0 {
		failures = append(failures, fmt.Errorf("%d mutants survive: %s", len(survivors), strings.Join(survivors, "; ")))
	}
	return errors.Join(failures...)
}

var errSurvived = errors.New("the mutant survives")

// run builds the suite with the mutant in place and runs it.
func (m mutant) run(ctx context.Context, dir string) (death, error) {
	binary := filepath.Join(dir, "suite.test")
	overlay, err := m.overlay(dir)
	if err != nil {
		return death{}, err
	}
	build := exec.CommandContext(ctx, "go", "test", "-c", "-overlay", overlay, "-o", binary, "./"+m.within())
	if out, err := build.CombinedOutput(); err != nil {
		return death{}, fmt.Errorf("the mutant does not compile: %w\n%s", err, out)
	}
	var out bytes.Buffer
	test := m.command(ctx, binary, "^("+m.tests+")$", "600s", "-test.failfast")
	test.Stdout, test.Stderr = &out, &out
	err = test.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return death{}, errSurvived
	case !errors.As(err, &exit):
		return death{}, err
	}
	d := m.autopsy(out.String())
	return d, m.again(ctx, binary, &d)
}

// command runs tests of the binary in the directory in which go test would.
func (m mutant) command(ctx context.Context, binary, tests, timeout string, more ...string) *exec.Cmd {
	args := append([]string{"-test.run", tests, "-test.timeout", timeout, "-test.v"}, more...)
	c := exec.CommandContext(ctx, binary, args...)
	c.Dir = filepath.FromSlash(m.within())
	return c
}

// repeats is how often the seed that killed a mutant is run again.
const repeats = 5

// again repeats the run of the seed that killed the mutant.
func (m mutant) again(ctx context.Context, binary string, d *death) error {
	if d.what == noEnd {
		d.same = "not tried"
		return nil
	}
	same := 0
	for range repeats {
		test := m.command(ctx, binary, "^"+d.by+"$", "120s")
		test.Env = append(os.Environ(), "DOCENT_SEED="+d.seed, "DOCENT_TRIES=1")
		out, err := test.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			return err
		}
		if err != nil && m.autopsy(string(out)).what == d.what {
			same++
		}
	}
	d.same = fmt.Sprintf("%d of %d", same, repeats)
	return nil
}

const noEnd = "the run does not end"

// overlay writes the mutated files, and the overlay file that lists them.
func (m mutant) overlay(dir string) (string, error) {
	texts := make(map[string]string) // several edits may be in one file
	for _, e := range append([]edit{{m.file, m.old, m.new}}, also[m.name]...) {
		text, edited := texts[e.file]
		if !edited {
			source, err := os.ReadFile(e.file)
			if err != nil {
				return "", err
			}
			text = string(source)
		}
		if n := strings.Count(text, e.old); n != 1 {
			return "", fmt.Errorf("the text to replace occurs %d times in %s: adapt the mutant", n, e.file)
		}
		texts[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	replace := make(map[string]string)
	for file, text := range texts {
		mutated := filepath.Join(dir, fmt.Sprintf("mutated%d.go", len(replace)))
		if err := os.WriteFile(mutated, []byte(text), 0o600); err != nil {
			return "", err
		}
		original, err := filepath.Abs(file)
		if err != nil {
			return "", err
		}
		replace[original] = mutated
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, list, 0o600)
}

var (
	failed  = regexp.MustCompile(`(?m)^--- FAIL: (Test\w+)`)
	broken  = regexp.MustCompile(`promise broken: ([^:]+): .*\(seed (\d+)`)
	running = regexp.MustCompile(`=== RUN +(Test\w+)/seed=(\d+)`)
)

// autopsy reads the output of the tests.
func (m mutant) autopsy(out string) death {
	d := death{mutant: m, by: "?", seed: "?", what: "the run panics"}
	if all := running.FindAllStringSubmatch(out, -1); len(all) > 0 {
		d.by, d.seed = all[len(all)-1][1], all[len(all)-1][2]
	}
	fails := failed.FindStringSubmatch(out)
	switch match := broken.FindStringSubmatch(out); {
	case match != nil:
		d.what, d.seed = match[1], match[2]
	case m.pkg != "" && fails != nil:
		d.by, d.seed, d.what = fails[1], "–", "its test fails"
	case strings.Contains(out, "deadlock"):
		d.what = "the run stands still"
	case strings.Contains(out, "test timed out"):
		d.what = noEnd
	}
	return d
}

// Marks around the table in the file that -into names.
const (
	from = "<!-- mutants: written by make mutants -->"
	to   = "<!-- end of mutants -->"
)

func write(path string, deaths []death) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, found := strings.Cut(string(text), from)
	_, tail, closed := strings.Cut(rest, to)
	if !found || !closed {
		return fmt.Errorf("%s has no place for the table: a line %q and a line %q", path, from, to)
	}
	var b strings.Builder
	b.WriteString("\n| broken on purpose | in | killed by | seed | the promise that gave it away | again with that seed |\n|---|---|---|---|---|---|\n")
	for _, d := range deaths {
		fmt.Fprintf(&b, "| %s | `%s` | `%s` | %s | %s | %s |\n", d.name, d.file, d.by, d.seed, d.what, d.same)
	}
	return os.WriteFile(path, []byte(head+from+b.String()+to+tail), 0o644)
}

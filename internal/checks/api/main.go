// Command api prints what the public packages of each module export, a line for each declaration, into docs/api:
//
//	go run ./internal/checks/api [-check] MODULE...
//
// A MODULE is a directory with a go.mod. With -check it writes nothing, and fails when a file would change or an exported
// declaration has no comment, or a comment that does not say whose it is. So a change of the API is a change of a file, which a review sees.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// golden is the directory of the files, below the root.
const golden = "docs/api"

func main() {
	check := flag.Bool("check", false, "write nothing; fail when a file would change or a comment is missing")
	flag.Parse()
	var failed bool
	for _, module := range flag.Args() {
		if err := run(module, *check); err != nil {
			fmt.Fprintf(os.Stderr, "api: %v\n", err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

func run(module string, check bool) error {
	packages, err := load(module)
	if err != nil {
		return fmt.Errorf("%s: %w", module, err)
	}
	var lines []string
	var bare []error
	for _, p := range packages {
		lines = append(lines, exported(p.types)...)
		missing, err := uncommented(p.dir, p.types.Path())
		if err != nil {
			return fmt.Errorf("%s: %w", p.types.Path(), err)
		}
		bare = append(bare, missing...)
	}
	text := strings.Join(lines, "\n") + "\n"
	file := filepath.Join(golden, name(module))
	if !check {
		return errors.Join(append(bare, os.WriteFile(file, []byte(text), 0o644))...)
	}
	old, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w (go run ./internal/checks/api %s writes it)", err, module)
	}
	if string(old) != text {
		bare = append(bare, fmt.Errorf("%s is not what %s exports (go run ./internal/checks/api %s writes it):\n%s",
			file, module, module, difference(string(old), text)))
	}
	return errors.Join(bare...)
}

// name is the file of a module: contrib/prom has contrib-prom.txt, the root has docent.txt.
func name(module string) string {
	if module == "." {
		return "docent.txt"
	}
	return strings.ReplaceAll(filepath.ToSlash(filepath.Clean(module)), "/", "-") + ".txt"
}

// difference lists the lines that only one of two sorted texts has.
func difference(old, now string) string {
	count := make(map[string]int)
	for line := range strings.Lines(old) {
		count[line]--
	}
	for line := range strings.Lines(now) {
		count[line]++
	}
	var out strings.Builder
	for line := range strings.Lines(old + now) {
		switch n := count[line]; {
		case n < 0:
			out.WriteString("\t- " + line)
		case n > 0:
			out.WriteString("\t+ " + line)
		}
		count[line] = 0
	}
	return strings.TrimRight(out.String(), "\n")
}

package guides

import (
	"fmt"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../../.."

// block is a fenced block of a page.
type block struct {
	page string // from the root of the repository
	line int    // of its first line of text
	text string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// program: a block that is a package by itself.
func (b block) program() bool { return strings.HasPrefix(b.text, "package ") }

// lines returns the text with a line directive, so that errors name the line of the page.
func (b block) lines() string {
	return fmt.Sprintf("//line %s:%d\n%s", path.Base(b.page), b.line, b.text)
}

// pages returns the pages whose blocks of Go are compiled.
func pages(t *testing.T) []string {
	t.Helper()
	found := []string{"README.md", "ARCHITECTURE.md", "contrib/README.md"}
	guides, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	require.NotEmpty(t, guides)
	for _, g := range guides {
		page, err := filepath.Rel(root, g)
		require.NoError(t, err)
		found = append(found, filepath.ToSlash(page))
	}
	return found
}

// docPages returns the files with the documentation of the packages.
func docPages(t *testing.T) (found []string) {
	t.Helper()
	for _, pattern := range []string{"*/doc.go", "naming/*/doc.go", "contrib/*/doc.go"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		for _, f := range files {
			page, err := filepath.Rel(root, f)
			require.NoError(t, err)
			found = append(found, filepath.ToSlash(page))
		}
	}
	require.NotEmpty(t, found)
	return found
}

func goBlocks(t *testing.T, page string) []block {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	require.NoError(t, err)
	if strings.HasSuffix(page, ".go") {
		return indented(page, string(text))
	}
	found, err := fenced(page, string(text), "go")
	require.NoError(t, err)
	return found
}

// fenced returns the blocks of a language, without the indentation of their fences.
func fenced(page, text, language string) (found []block, err error) {
	const fence = "```"
	var open *block
	var indent, of string
	n := 0
	for line := range strings.Lines(text) {
		n++
		bare := strings.TrimSpace(line)
		switch {
		case open == nil && strings.HasPrefix(bare, fence):
			indent, _, _ = strings.Cut(line, fence)
			of = strings.TrimPrefix(bare, fence)
			open = &block{page: page, line: n + 1}
		case open != nil && bare == fence:
			if of == language {
				found = append(found, *open)
			}
			open = nil
		case open != nil:
			open.text += strings.TrimPrefix(line, indent)
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%v: the block has no end", open)
	}
	return found, nil
}

// indented returns the blocks of a package's documentation that are Go: they call something.
func indented(page, text string) (found []block) {
	open := block{page: page}
	n := 0
	for line := range strings.Lines(text + "\n") {
		n++
		code, isCode := strings.CutPrefix(line, "//\t")
		switch {
		case isCode && open.text == "":
			open.line, open.text = n, code
		case isCode:
			open.text += code
		case line == "//\n" && open.text != "":
			open.text += "\n"
		case open.text != "":
			if strings.Contains(open.text, " := ") || strings.Contains(open.text, "(ctx") {
				open.text = strings.TrimRight(open.text, "\n") + "\n"
				found = append(found, open)
			}
			open.text = ""
		}
	}
	return found
}

// formatted: a block stands in the page as gofmt writes it.
func formatted(b block) error {
	want, err := format.Source([]byte(b.text))
	if err != nil {
		return fmt.Errorf("%v: %w", b, err)
	}
	if string(want) != b.text {
		return fmt.Errorf("%v: not formatted; gofmt writes\n%s", b, want)
	}
	return nil
}

// source returns the file that a block stands for, without the imports that a fragment
// does not name.
func source(b block, preamble string) string {
	switch {
	case b.program():
		return b.lines()
	case declares(b.text):
		return "package p\n" + preamble + "\n" + b.lines()
	}
	return "package p\n" + preamble + "\nfunc _() error {\n" + b.lines() + "\nreturn nil\n}\n"
}

// declares: a fragment is declarations, which stand at the top level of a file.
func declares(text string) bool {
	_, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+text, parser.SkipObjectResolution)
	return err == nil
}

// quotes has the directories whose code a page shows: code that needs a library
// which is heavy to compile. The tests there compile it, and run it.
var quotes = map[string][]string{
	"docs/frameworks.md": {"examples/viper", "examples/gozero"},
	"docs/migrate.md":    {"recipes_test/moving"},
}

// quoted: the block is a part of the code that its page shows, line by line.
func quoted(t *testing.T, b block) bool {
	t.Helper()
	for _, dir := range quotes[b.page] {
		files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files, dir)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			if strings.Contains(unindented(string(text)), unindented(b.text)) {
				return true
			}
		}
	}
	return false
}

// unindented returns the lines without their indentation, with a line feed
// before the first and after the last.
func unindented(text string) string {
	out := "\n"
	for line := range strings.Lines(text) {
		out += strings.TrimLeft(line, "\t")
	}
	return out
}

func TestUnindented(t *testing.T) {
	file := unindented("package p\n\nfunc f() {\n\tif a {\n\t\tb()\n\t}\n}\n")
	require.Contains(t, file, unindented("if a {\n\tb()\n}\n"))
	require.NotContains(t, file, unindented("if a {\n"+"\tb()\n"+"}"+"x\n"))
	require.NotContains(t, file, unindented("f a {\n"))
}

func TestFenced(t *testing.T) {
	const page = "text\n```go\na\n\nb\n```\n```sh\nc\n```\n- item\n\n  ```go\n  d {\n  \te\n  ```\n"
	found, err := fenced("x.md", page, "go")
	require.NoError(t, err)
	require.Equal(t, []block{{"x.md", 3, "a\n\nb\n"}, {"x.md", 13, "d {\n\te\n"}}, found)
	_, err = fenced("x.md", "```go\na\n", "go")
	require.EqualError(t, err, "x.md:2: the block has no end")
}

func TestIndented(t *testing.T) {
	const text = "// Package x\n//\n//\ta := b()\n//\n//\t\tc\n//\n// Text.\n//\n//\ttable  of\n//\n//\tf(ctx)\npackage x\n"
	require.Equal(t, []block{{"x/doc.go", 3, "a := b()\n\n\tc\n"}, {"x/doc.go", 9, "table  of\n\nf(ctx)\n"}}, indented("x/doc.go", text))
}

func TestFormatted(t *testing.T) {
	require.NoError(t, formatted(block{text: "a()    // one\nbcd(1) // two\n"}))
	require.Error(t, formatted(block{text: "a() // one\nbcd(1) // two\n"}))
	require.Error(t, formatted(block{text: "a(\n"}))
}

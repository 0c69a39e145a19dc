package words_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// others are the words that users do not read, and the words to write in their
// place.
var others = map[string]*regexp.Regexp{
	"znode":  regexp.MustCompile(`(?i)(^|[^-\w".])nodes?\b`), // not one-node, core.Node, nor the field "node" of JSON
	"reject": regexp.MustCompile(`(?i)\brefus(e|es|ed|al|ing)\b`),
}

// exempt are the texts that other programs wrote.
var exempt = []string{
	"ephemeral nodes dump:",      // ZooKeeper's answer to the word dump
	"zktest: connection refused", // the operating system's error
	"the options Refuse and ",    // an identifier
}

func TestSentencesHaveOneWordForOneThing(t *testing.T) {
	sentences := 0
	fset := token.NewFileSet()
	require.NoError(t, filepath.WalkDir("../../..", func(path string, d fs.DirEntry, err error) error {
		switch name := filepath.ToSlash(path); {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasSuffix(name, "/internal/testing") || strings.HasSuffix(name, "/recipes_test") || strings.HasSuffix(name, "/bench")):
			return filepath.SkipDir // developers read it
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING || !isSentence(lit.Value) {
				return true
			}
			sentences++
			for _, word := range wrong(lit.Value) {
				t.Errorf("%v: write %q: %s", fset.Position(lit.Pos()), word, lit.Value)
			}
			return true
		})
		return nil
	}))
	require.Greater(t, sentences, 1000, "the module's files are found")
}

// isSentence reports whether a literal is a text, and not a name.
func isSentence(literal string) bool { return strings.Contains(literal, " ") }

// wrong returns the words to write in a text that has others.
func wrong(text string) (words []string) {
	if slices.ContainsFunc(exempt, func(known string) bool { return strings.Contains(text, known) }) {
		return nil
	}
	for word, other := range others {
		if other.MatchString(text) {
			words = append(words, word)
		}
	}
	return words
}

// No package has an error of its own with the name of one in session: programs
// would compare the wrong one.
func TestErrorsHaveOneName(t *testing.T) {
	text, err := os.ReadFile("../../../docs/api/docent.txt")
	require.NoError(t, err)
	packages := make(map[string][]string) // by the name of the error
	for _, m := range regexp.MustCompile(`(?m)^(\S+): var (Err\w+) error$`).FindAllStringSubmatch(string(text), -1) {
		packages[m[2]] = append(packages[m[2]], m[1])
	}
	require.Equal(t, []string{"session"}, packages["ErrLost"])
	for name, in := range packages {
		require.False(t, len(in) > 1 && slices.Contains(in, "session"), "%s is in %v", name, in)
	}
}

func TestWrong(t *testing.T) {
	for text, word := range map[string]string{
		`"reads 5 nodes"`:              "znode",
		`"-- no such node --"`:         "znode",
		`"the Node /a is gone"`:        "znode",
		`"the server refuses the ACL"`: "reject",
		`"the one-node lock"`:          "",
		`"the znode of a lock"`:        "",
		`"{\"id\": x, \"node\": y}"`:   "",
	} {
		require.True(t, isSentence(text))
		if word == "" {
			require.Empty(t, wrong(text), text)
		} else {
			require.Equal(t, []string{word}, wrong(text), text)
		}
	}
}

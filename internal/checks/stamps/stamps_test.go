package stamps_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// own lists the files whose numbers of milliseconds are not foreign, or are not
// shown.
var own = map[string]string{
	"internal/base/stamp/stamp.go": "the number is bounded there",
	"queue/name.go":                "the number is the caller's time",
	"queue/snapshot.go":            "the time is the end of a wait",
}

var made = regexp.MustCompile(`\btime\.Unix(Milli|Micro)\(`)

// Every other time of milliseconds is made by package stamp.
func TestFault44_TimesOfForeignNumbers(t *testing.T) {
	const root = "../../.."
	found := make(map[string]bool)
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && made.Match(text) {
			rel, err := filepath.Rel(root, path)
			require.NoError(t, err)
			found[filepath.ToSlash(rel)] = true
		}
		return err
	}))
	for file := range found {
		if own[file] == "" {
			t.Errorf("%s: a time is made of milliseconds: use stamp.Millis, or list the file here", file)
		}
	}
	for file := range own {
		require.True(t, found[file], "%s needs no entry any more", file)
	}
}

package main

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
)

// The table of hard cases names every test that has a case in its name, and
// no other.
func TestHardCasesTable(t *testing.T) {
	testworld.Sequential(t)
	table, err := os.ReadFile("../../docs/hard-cases.md")
	require.NoError(t, err)
	named := regexp.MustCompile("`(TestHardCase[^`]*)`").FindAllStringSubmatch(string(table), -1)
	inTable := make(map[string]bool)
	for _, m := range named {
		inTable[m[1]] = true
	}
	inCode := make(map[string]bool)
	declared := regexp.MustCompile(`(?m)^func (TestHardCase\d\w*)\(`)
	require.NoError(t, filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		for _, m := range declared.FindAllStringSubmatch(string(code), -1) {
			inCode[m[1]] = true
		}
		return err
	}))
	require.NotEmpty(t, inCode)
	require.ElementsMatch(t, slices.Collect(maps.Keys(inCode)), slices.Collect(maps.Keys(inTable)))
}

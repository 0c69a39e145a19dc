//go:build unix

package interop

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// The table in docs/interop.md names exactly the tests here, part by part.
func TestTable(t *testing.T) {
	table, err := os.ReadFile("../../docs/interop.md")
	require.NoError(t, err)
	named := make(map[string]bool)
	for _, m := range regexp.MustCompile("`(Test[^`]*)`").FindAllStringSubmatch(string(table), -1) {
		named[m[1]] = true
	}

	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	files = append(files, "../dubbo/dubbogo_test.go") // a module of its own
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)|^\t(?:w\.part|t\.Run)\("([^"]*)"`)
	inCode := make(map[string]bool)
	for _, file := range files {
		code, err := os.ReadFile(file)
		require.NoError(t, err)
		test := ""
		for _, m := range declared.FindAllStringSubmatch(string(code), -1) {
			switch {
			case m[1] == "TestMain" || m[1] == "TestTable":
			case m[1] != "":
				test = m[1]
				inCode[test] = true
			default:
				delete(inCode, test) // its parts replace it
				inCode[test+"/"+m[2]] = true
			}
		}
	}
	require.NotEmpty(t, inCode)
	for test := range inCode {
		require.True(t, named[test], "docs/interop.md has no row for %s", test)
	}
	for test := range named {
		require.True(t, inCode[test], "docs/interop.md names %s, which does not exist", test)
	}
}

package ensemble

import (
	"archive/zip"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each jar comes after the jars that its manifest names. Otherwise the
// installed ones would be loaded instead of the cell's.
func TestOrderOfTheClassPaths(t *testing.T) {
	cell, err := CurrentCell()
	if err != nil {
		t.Skip(err)
	}
	for what, names := range map[string][]string{"server": serverJars, "Curator": curatorJars} {
		t.Run(what, func(t *testing.T) {
			jars, missing := cell.jars(names)
			if missing != "" {
				t.Skipf("the %s cell has no %s", cell.Name, missing)
			}
			for i, jar := range jars {
				for _, needed := range manifestJars(t, jar) {
					if at := slices.Index(names, needed); at >= 0 && isOfCell(needed) {
						require.Less(t, at, i, "%s names %s", names[i], needed)
					}
				}
			}
		})
	}
}

func isOfCell(jar string) bool {
	return strings.HasPrefix(jar, "zookeeper") || strings.HasPrefix(jar, "curator")
}

// manifestJars returns the file names in the Class-Path of a jar's manifest.
func manifestJars(t *testing.T, path string) []string {
	t.Helper()
	jar, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer jar.Close()
	file, err := jar.Open("META-INF/MANIFEST.MF")
	require.NoError(t, err)
	defer file.Close()
	data, err := io.ReadAll(file)
	require.NoError(t, err)
	text := strings.ReplaceAll(strings.ReplaceAll(string(data), "\r", ""), "\n ", "")
	for _, line := range strings.Split(text, "\n") {
		if jars, ok := strings.CutPrefix(line, "Class-Path: "); ok {
			names := strings.Fields(jars)
			for i := range names {
				names[i] = filepath.Base(names[i])
			}
			return names
		}
	}
	return nil
}

//go:build unix

package peers

import (
	"archive/zip"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// TestLoaded prints what the peers have loaded. launch has compared it with the
// cell.
func TestLoaded(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	servers := ensemble.Start(t, 1).ConnectString()
	cell := cellWith(t, "curator")
	java := Curator(t, servers, 10*time.Second).Loaded()
	python := Kazoo(t, servers, 10*time.Second).Loaded()
	require.Len(t, java, 6)
	require.Len(t, python, 1)
	for _, text := range append(java, python...) {
		t.Logf("the %s cell: %s", cell.Name, text)
	}
}

// Each jar comes after the jars that its manifest names. Otherwise the
// installed ones would be loaded instead of the cell's.
func TestOrderOfTheClassPath(t *testing.T) {
	cell := cellWith(t, "curator")
	for i, name := range curatorJars {
		path, err := cell.Jar(name)
		if err != nil {
			absent(t, "needs Curator: %v", err)
		}
		for _, needed := range manifestJars(t, path) {
			if at := slices.Index(curatorJars, needed); at >= 0 && isOfCell(needed) {
				require.Less(t, at, i, "%s names %s", name, needed)
			}
		}
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

// With Curator's jars first, the virtual machine loads the installed ZooKeeper,
// which the manifests of Curator's jars name. The peer says so, and check
// rejects it.
func TestWrongClassPathIsRejected(t *testing.T) {
	cell := cellWith(t, "curator")
	if cell.Name != "new" {
		t.Skipf("the jars of the %s cell name themselves", cell.Name)
	}
	jars := filepath.SplitList(javaClasspath(t))
	wrong := append([]string{jars[0]}, jars[3:]...) // the compiled classes, then Curator
	wrong = append(wrong, jars[1], jars[2])
	out, err := exec.Command("java", "-cp", strings.Join(wrong, string(filepath.ListSeparator)), "Main", "loaded").Output()
	require.NoError(t, err)
	loaded := strings.Split(strings.TrimSpace(string(out)), "\t")[1:]
	require.ErrorContains(t, check(cell, loaded), "zookeeper")
}

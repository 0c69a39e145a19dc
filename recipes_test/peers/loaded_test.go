//go:build unix

package peers

import (
	"os/exec"
	"path/filepath"
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

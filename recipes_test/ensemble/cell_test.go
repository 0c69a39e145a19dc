package ensemble

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCell prints the servers' version. Start has compared it with the cell.
func TestCell(t *testing.T) {
	RequireZooKeeper(t)
	cell, err := CurrentCell()
	require.NoError(t, err)
	version, err := Start(t, 1).Server(0).Version()
	require.NoError(t, err)
	t.Logf("the %s cell: ZooKeeper %s", cell.Name, version)
}

func TestCellRejectsOtherVersions(t *testing.T) {
	old := Cell{Name: "old", want: oldVersions}
	require.NoError(t, old.Check("zookeeper", "3.8.0"))
	require.NoError(t, old.Check("zookeeper-jute", "3.8.6"))
	require.NoError(t, old.Check("curator-x-discovery", "5.4.0"))
	require.EqualError(t, old.Check("zookeeper-jute", "3.9.6"), "zookeeper-jute is version 3.9.6; the old cell has 3.8")
	require.Error(t, old.Check("zookeeper", "3.80.0"))
	require.Error(t, old.Check("kazoo", "2.11.0"))

	fetched := Cell{Name: "new", dir: t.TempDir(), want: map[string]string{"zookeeper": "3.9.6", "kazoo": "2.11.0"}}
	require.NoError(t, fetched.Check("zookeeper", "3.9.6"))
	require.EqualError(t, fetched.Check("zookeeper", "3.8.0"), "zookeeper is version 3.8.0; the new cell has 3.9.6")
	require.Error(t, fetched.Check("zookeeper", "3.9.60"))
	require.True(t, fetched.Has("kazoo"))
	require.False(t, fetched.Has("curator"))

	machine := Cell{Name: "machine"}
	require.NoError(t, machine.Check("zookeeper", "4.0.0"))
	require.True(t, machine.Has("curator"))
}

func TestUnknownCell(t *testing.T) {
	t.Setenv(CellEnv, "newer")
	_, err := CurrentCell()
	require.EqualError(t, err, "DOCENT_CELL=newer: unknown cell; set it to old, new, oldest or machine")
}

func TestCellThatWasNotFetched(t *testing.T) {
	t.Setenv(CellEnv, "new")
	t.Setenv(CacheEnv, t.TempDir())
	_, err := CurrentCell()
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "to fetch it: .ci/cell new")
}

// The jars of ZooKeeper and Curator are the cell's, others the machine's, and
// the class path of a server begins with the cell's jute: the manifest of
// zookeeper.jar names the installed one.
func TestJarsOfACell(t *testing.T) {
	cell := Cell{Name: "new", dir: t.TempDir(), want: map[string]string{"zookeeper": "3.9.6"}}
	jars := filepath.Join(cell.dir, debianJars)
	require.NoError(t, os.MkdirAll(jars, 0o755))
	for _, name := range []string{"zookeeper.jar", "zookeeper-jute.jar"} {
		require.NoError(t, os.WriteFile(filepath.Join(jars, name), nil, 0o600))
	}
	jar, err := cell.Jar("zookeeper.jar")
	require.NoError(t, err)
	require.Equal(t, filepath.Join(jars, "zookeeper.jar"), jar)
	_, err = cell.Jar("curator-client.jar")
	require.ErrorIs(t, err, os.ErrNotExist, "an installed Curator is another cell's")

	RequireZooKeeper(t) // for the machine's jars
	t.Setenv(ClasspathEnv, "")
	classpath, err := locateJars(cell)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(classpath, filepath.Join(jars, "zookeeper-jute.jar")+":"+filepath.Join(jars, "zookeeper.jar")+":"), classpath)
}

// .ci/cell finds the distribution's mirror in both forms of a sources list, and
// leaves out other sources and other suites.
func TestSourcesOfACell(t *testing.T) {
	if _, err := exec.LookPath("apt-config"); err != nil {
		t.Skip("needs apt (Debian and Ubuntu have it)")
	}
	release, err := os.ReadFile("/etc/os-release")
	require.NoError(t, err)
	var suite string
	for _, line := range strings.Split(string(release), "\n") {
		if name, ok := strings.CutPrefix(line, "VERSION_CODENAME="); ok {
			suite = name
		}
	}
	dir := t.TempDir()
	parts := filepath.Join(dir, "sources.list.d")
	require.NoError(t, os.Mkdir(parts, 0o755))
	write := func(name, text string) {
		text = strings.ReplaceAll(text, "SUITE", suite)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("sources.list", `# deb http://comment.example/ SUITE main
deb-src http://source.example/ SUITE main
deb [arch=amd64 signed-by=/a.gpg] http://one.example/debian SUITE main contrib
deb http://one.example/debian SUITE-updates main
deb http://other.example/docker SUITE stable
`)
	write("sources.list.d/more.list", "deb\thttp://two.example/debian\tSUITE\tmain\n")
	write("sources.list.d/debian.sources", `# a comment
Types: deb deb-src
# another
URIs: http://three.example/debian
  http://four.example/debian
Suites: SUITE SUITE-updates
Components: main
Signed-By: /b.gpg

Types: deb
URIs: http://security.example/debian
Suites: SUITE-security
Components: main

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: SUITE
Components: main

Types: deb
URIs: http://one.example/debian
Suites: stable
Components: main`)
	write("sources.list.d/off.sources.disabled", "Types: deb\nURIs: http://off.example/\nSuites: SUITE\nComponents: main\n")
	write("apt.conf", `Dir::Etc::sourcelist "`+dir+`/sources.list"; Dir::Etc::sourceparts "`+parts+`";`)

	root, err := cacheDir()
	require.NoError(t, err)
	cmd := exec.Command(filepath.Join(filepath.Dir(root), ".ci", "cell"), "sources", "new")
	cmd.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(dir, "apt.conf"))
	out, err := output(cmd)
	require.NoError(t, err)
	var mirrors []string
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		for _, word := range strings.Fields(line) {
			if strings.HasPrefix(word, "http") {
				mirrors = append(mirrors, strings.TrimSuffix(strings.TrimPrefix(word, "http://"), ".example/debian"))
			}
		}
		require.NotContains(t, line, " "+suite+" ", "the machine's own suite")
	}
	round := []string{"one", "two", "three", "four"}
	require.NotEmpty(t, mirrors)
	require.Zero(t, len(mirrors)%len(round), out)
	for i, mirror := range mirrors {
		require.Equal(t, round[i%len(round)], mirror, out)
	}
}

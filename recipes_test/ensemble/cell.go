package ensemble

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// CellEnv names the environment variable that chooses the versions of
// ZooKeeper, Curator and kazoo that the suites run with.
const CellEnv = "DOCENT_CELL"

// CacheEnv names the environment variable with the directory into which
// .ci/cell unpacks cells, if that is not .cache in the repository.
const CacheEnv = "DOCENT_CACHE"

// debianJars is the directory in which Debian and Ubuntu install jars, below
// the root directory or below a cell's.
const debianJars = "/usr/share/java"

// Cell is a set of versions of ZooKeeper, Curator and kazoo.
//
//   - "old": ZooKeeper 3.8, Curator 5.4, kazoo 2.8, which Debian 12 installs
//   - "new": ZooKeeper 3.9, Curator 5.7, kazoo 2.9 or later, fetched by .ci/cell
//   - "oldest": servers of ZooKeeper 3.4.13 alone, fetched by .ci/cell
//   - "machine": this machine's own versions, whatever they are
type Cell struct {
	Name string
	dir  string            // where .ci/cell has unpacked it; "" if it is installed
	want map[string]string // component: its version, or the beginning of it
}

// oldVersions are Debian 12's.
var oldVersions = map[string]string{"zookeeper": "3.8.", "curator": "5.4.", "kazoo": "2.8."}

// CurrentCell returns the cell that [CellEnv] names. Without it, that is "old"
// on Debian 12, and "machine" elsewhere or with jars in [ClasspathEnv]. A cell
// that is not in the cache is an error.
func CurrentCell() (Cell, error) {
	name := os.Getenv(CellEnv)
	if name == "" {
		name = ownCell()
	}
	switch name {
	case "machine":
		return Cell{Name: name}, nil
	case "old":
		return Cell{Name: name, want: oldVersions}, nil
	case "new", "oldest":
		return unpackedCell(name)
	}
	return Cell{}, fmt.Errorf("%s=%s: unknown cell; set it to old, new, oldest or machine", CellEnv, name)
}

// ownCell is the cell that this machine has installed.
func ownCell() string {
	release, err := os.ReadFile("/etc/os-release")
	if err != nil || os.Getenv(ClasspathEnv) != "" {
		return "machine"
	}
	lines := strings.Split(strings.ReplaceAll(string(release), `"`, ""), "\n")
	has := make(map[string]bool)
	for _, line := range lines {
		has[line] = true
	}
	if has["ID=debian"] && has["VERSION_ID=12"] {
		return "old"
	}
	return "machine"
}

func unpackedCell(name string) (Cell, error) {
	cache, err := cacheDir()
	if err != nil {
		return Cell{}, err
	}
	dir := filepath.Join(cache, name)
	file, err := os.Open(filepath.Join(dir, "versions"))
	if err != nil {
		return Cell{}, fmt.Errorf("no %s cell in %s (to fetch it: .ci/cell %s): %w", name, cache, name, err)
	}
	defer func() { _ = file.Close() }() // only read
	cell := Cell{Name: name, dir: dir, want: make(map[string]string)}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if component, version, ok := strings.Cut(lines.Text(), "="); ok {
			cell.want[component] = version
		}
	}
	if cell.want["zookeeper"] == "" {
		return Cell{}, fmt.Errorf("%s names no version of ZooKeeper; remove %s and run .ci/cell %s", file.Name(), dir, name)
	}
	return cell, nil
}

// cacheDir is .cache in the directory of the repository, which has .ci/cell.
func cacheDir() (string, error) {
	if cache := os.Getenv(CacheEnv); cache != "" {
		return cache, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".ci", "cell")); err == nil {
			return filepath.Join(dir, ".cache"), nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no .ci/cell above the working directory; set " + CacheEnv)
		}
	}
}

// Has reports whether the cell has the component "zookeeper", "curator" or
// "kazoo".
func (c Cell) Has(component string) bool { return c.dir == "" || c.want[component] != "" }

// Check returns an error if the cell does not have this version of a jar or a
// component. The jars of a component begin with its name: "curator-client".
// What a program loaded may differ from its class path: Debian's jars name
// others in their manifests, with paths of the installed ones.
func (c Cell) Check(name, version string) error {
	component, _, _ := strings.Cut(name, "-")
	want := c.want[component]
	if version == want || strings.HasSuffix(want, ".") && strings.HasPrefix(version, want) || c.want == nil {
		return nil
	}
	return fmt.Errorf("%s is version %s; the %s cell has %s", name, version, c.Name, strings.TrimSuffix(want, "."))
}

// PythonPath is the directory of the cell's Python packages, or "" if they are
// installed.
func (c Cell) PythonPath() string {
	if c.dir == "" {
		return ""
	}
	return filepath.Join(c.dir, "usr/lib/python3/dist-packages")
}

var versionLine = regexp.MustCompile(`(?m)^Zookeeper version: (\d+\.\d+\.\d+)`)

// Version asks the server for its version, such as "3.8.0". A server that does
// not serve is an error.
func (s *Server) Version() (string, error) {
	answer, err := s.Word("srvr")
	if err != nil {
		return "", err
	}
	m := versionLine.FindStringSubmatch(answer)
	if m == nil {
		return "", fmt.Errorf("server %d tells no version: %q", s.id, answer)
	}
	return m[1], nil
}

// RequireVersion skips the test if the servers are older than ZooKeeper
// major.minor: they do not have what it tests.
func (e *Ensemble) RequireVersion(tb testing.TB, major, minor int) {
	tb.Helper()
	version, err := e.servers[0].Version()
	if err != nil {
		tb.Fatal(err)
	}
	var has [2]int
	if _, err := fmt.Sscanf(version, "%d.%d.", &has[0], &has[1]); err != nil {
		tb.Fatalf("version %q: %v", version, err)
	}
	if has[0] < major || has[0] == major && has[1] < minor {
		tb.Skipf("needs ZooKeeper %d.%d or later; the servers are %s", major, minor, version)
	}
}

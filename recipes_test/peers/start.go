//go:build unix

package peers

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

//go:embed java/*.java
var javaSources embed.FS

//go:embed python/peer.py
var pythonSource []byte

// absent skips the test, or fails it with CI=true: a suite that is silently
// skipped on a build machine proves nothing.
func absent(tb testing.TB, format string, args ...any) {
	tb.Helper()
	if os.Getenv("CI") == "true" {
		tb.Fatalf("CI=true forbids skipping: "+format, args...)
	}
	tb.Skipf(format, args...)
}

// cellWith returns the current cell. It skips the test if the cell has no such
// peers: there is nothing to install.
func cellWith(tb testing.TB, component string) ensemble.Cell {
	tb.Helper()
	cell, err := ensemble.CurrentCell()
	if err != nil {
		absent(tb, "needs %s: %v", component, err)
	}
	if !cell.Has(component) {
		tb.Skipf("the %s cell has no %s", cell.Name, component)
	}
	return cell
}

// compiled is the Java program, compiled once for all tests of a test binary.
var compiled struct {
	once      sync.Once
	dir       string
	classpath string
	missing   error // why this machine cannot compile it
	err       error
}

// Curator starts a Java program with a session of its own.
func Curator(tb testing.TB, servers string, timeout time.Duration) *Peer {
	tb.Helper()
	classpath := javaClasspath(tb)
	// Several such processes run at once. They need not be fast, and must leave
	// the machine to the servers.
	args := []string{"-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classpath, "Main"}
	return launch(tb, cellWith(tb, "curator"), nil, "java", args, servers, timeout)
}

// javaClasspath compiles the Java program once, and returns its class path.
func javaClasspath(tb testing.TB) string {
	tb.Helper()
	cell := cellWith(tb, "curator")
	compiled.once.Do(func() { compile(cell) })
	if compiled.missing != nil {
		absent(tb, "needs Curator: %v", compiled.missing)
	}
	if compiled.err != nil {
		tb.Fatalf("compiling the Java peer: %v", compiled.err)
	}
	return compiled.classpath
}

func compile(cell ensemble.Cell) {
	classpath, err := cell.Curator()
	if err != nil {
		compiled.missing = err
		return
	}
	if _, err := exec.LookPath("javac"); err != nil {
		compiled.missing = fmt.Errorf("no javac (Debian: apt-get install default-jdk-headless)")
		return
	}
	compiled.err = func() error {
		var err error
		if compiled.dir, err = os.MkdirTemp("", "docent-peers-"); err != nil {
			return err
		}
		if err := os.CopyFS(compiled.dir, javaSources); err != nil {
			return err
		}
		sources, err := fs.Glob(os.DirFS(compiled.dir), "java/*.java")
		if err != nil {
			return err
		}
		javac := exec.Command("javac", append([]string{"-cp", classpath, "-d", compiled.dir}, sources...)...)
		javac.Dir = compiled.dir
		if out, err := javac.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	}()
	compiled.classpath = compiled.dir + string(filepath.ListSeparator) + classpath
}

// Clean ends the readers and removes the files that the peers of a test binary
// share. TestMain calls it after the tests.
func Clean() error {
	err := endReaders()
	if compiled.dir != "" {
		err = errors.Join(err, os.RemoveAll(compiled.dir))
	}
	return err
}

// Kazoo starts a Python program with a session of its own.
func Kazoo(tb testing.TB, servers string, timeout time.Duration) *Peer {
	tb.Helper()
	cell := cellWith(tb, "kazoo")
	program := filepath.Join(tb.TempDir(), "peer.py")
	if err := os.WriteFile(program, pythonSource, 0o600); err != nil {
		tb.Fatalf("writing the Python peer: %v", err)
	}
	python, env := requireKazoo(tb, cell)
	return launch(tb, cell, env, python, []string{program}, servers, timeout)
}

// requireKazoo returns a Python that has kazoo, and its environment.
func requireKazoo(tb testing.TB, cell ensemble.Cell) (python string, env []string) {
	tb.Helper()
	python, env, err := cell.Kazoo()
	if err != nil {
		absent(tb, "needs kazoo: %v", err)
	}
	return python, env
}

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
	"strings"
	"sync"
	"testing"
	"time"
)

//go:embed java/*.java
var javaSources embed.FS

//go:embed python/peer.py
var pythonSource []byte

const debianJars = "/usr/share/java"

// curatorJars are the jars that Curator's recipes and its service discovery
// need at run time.
var curatorJars = []string{
	"curator-client.jar", "curator-framework.jar", "curator-recipes.jar", "curator-x-discovery.jar",
	"zookeeper.jar", "zookeeper-jute.jar", "guava.jar", "slf4j-api.jar", "slf4j-nop.jar", "netty-all.jar",
	"jackson-core.jar", "jackson-databind.jar", "jackson-annotations.jar",
}

// absent skips the test, or fails it with CI=true: a suite that is silently
// skipped on a build machine proves nothing.
func absent(tb testing.TB, format string, args ...any) {
	tb.Helper()
	if os.Getenv("CI") == "true" {
		tb.Fatalf("CI=true forbids skipping: "+format, args...)
	}
	tb.Skipf(format, args...)
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
	return launch(tb, "java", args, servers, timeout)
}

// javaClasspath compiles the Java programs once, and returns their class path.
func javaClasspath(tb testing.TB) string {
	tb.Helper()
	compiled.once.Do(compile)
	if compiled.missing != nil {
		absent(tb, "needs Curator: %v", compiled.missing)
	}
	if compiled.err != nil {
		tb.Fatalf("compiling the Java peer: %v", compiled.err)
	}
	return compiled.classpath
}

func compile() {
	jars := make([]string, len(curatorJars))
	for i, name := range curatorJars {
		jars[i] = filepath.Join(debianJars, name)
		if _, err := os.Stat(jars[i]); err != nil {
			compiled.missing = fmt.Errorf("no %s (Debian: apt-get install libcurator-recipes-java libcurator-discovery-java)", jars[i])
			return
		}
	}
	if _, err := exec.LookPath("javac"); err != nil {
		compiled.missing = fmt.Errorf("no javac (Debian: apt-get install default-jdk-headless)")
		return
	}
	classpath := strings.Join(jars, string(filepath.ListSeparator))
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
	program := filepath.Join(tb.TempDir(), "peer.py")
	if err := os.WriteFile(program, pythonSource, 0o600); err != nil {
		tb.Fatalf("writing the Python peer: %v", err)
	}
	return launch(tb, requireKazoo(tb), []string{program}, servers, timeout)
}

// requireKazoo returns a Python that has kazoo.
func requireKazoo(tb testing.TB) (python string) {
	tb.Helper()
	// Debian's kazoo belongs to Debian's Python, which may not be the first on
	// PATH.
	for _, candidate := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(candidate, "-c", "import kazoo").Run() == nil {
			return candidate
		}
	}
	absent(tb, "needs kazoo (Debian: apt-get install python3-kazoo)")
	return ""
}

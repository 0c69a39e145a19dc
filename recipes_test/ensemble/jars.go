package ensemble

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The manifest of each of Debian's jars names the jars that it needs, with the
// paths of the installed ones. So in every class path each jar comes after the
// jars that it needs: otherwise the installed jars would be loaded instead of the
// cell's. The lists have this order.

// serverJars are the jars that a ZooKeeper server of 3.8 or 3.9 needs, besides a
// logging backend.
var serverJars = []string{
	"zookeeper-jute.jar", "zookeeper.jar", "slf4j-api.jar", "metrics-core.jar", "snappy-java.jar", "commons-cli.jar", "netty-all.jar",
	// For connections by TLS; Debian's netty-all does not have all of them.
	"netty-buffer.jar", "netty-codec.jar", "netty-common.jar", "netty-handler.jar", "netty-resolver.jar", "netty-transport.jar",
}

// oldestJars are the jars that a ZooKeeper 3.4 server needs.
var oldestJars = []string{"zookeeper.jar", "slf4j-api.jar", "log4j-1.2.jar", "commons-cli.jar"}

// loggingJars are suitable logging backends; the first one writes a log.
var loggingJars = []string{"slf4j-simple.jar", "slf4j-nop.jar"}

// curatorJars are the jars that Curator's recipes and its service discovery
// need at run time.
var curatorJars = []string{
	"zookeeper-jute.jar", "zookeeper.jar",
	"curator-client.jar", "curator-framework.jar", "curator-recipes.jar", "curator-x-discovery.jar",
	"guava.jar", "slf4j-api.jar", "slf4j-nop.jar", "netty-all.jar",
	"jackson-core.jar", "jackson-databind.jar", "jackson-annotations.jar",
}

// Jar returns the path of one of Debian's jars, without its version:
// "guava.jar". The jars of ZooKeeper and Curator are the cell's, all others are
// this machine's.
func (c Cell) Jar(name string) (string, error) {
	dir := debianJars
	component, _, _ := strings.Cut(strings.TrimSuffix(name, ".jar"), "-")
	if c.dir != "" && (component == "zookeeper" || component == "curator") {
		dir = filepath.Join(c.dir, debianJars)
	}
	jar := filepath.Join(dir, name)
	_, err := os.Stat(jar)
	return jar, err
}

// Curator returns the class path of a program that uses Curator's recipes and
// its service discovery, without the program's own classes.
func (c Cell) Curator() (classpath string, err error) {
	jars, missing := c.jars(curatorJars)
	if missing != "" {
		return "", fmt.Errorf("no %s (Debian: apt-get install libcurator-recipes-java libcurator-discovery-java)", missing)
	}
	return joinPath(jars), nil
}

// Kazoo returns a Python that has the cell's kazoo, and what it needs in its
// environment.
func (c Cell) Kazoo() (python string, env []string, err error) {
	if dir := c.PythonPath(); dir != "" {
		env = []string{"PYTHONPATH=" + dir}
	}
	// Debian's kazoo belongs to Debian's Python, which may not be the first on
	// PATH.
	for _, candidate := range []string{"/usr/bin/python3", "python3"} {
		probe := exec.Command(candidate, "-c", "import kazoo")
		probe.Env = append(os.Environ(), env...)
		if probe.Run() == nil {
			return candidate, env, nil
		}
	}
	return "", nil, errors.New("no kazoo (Debian: apt-get install python3-kazoo)")
}

// jars returns the paths of jars, or the path of the first one that is missing.
func (c Cell) jars(names []string) (paths []string, missing string) {
	for _, name := range names {
		jar, err := c.Jar(name)
		if err != nil {
			return nil, jar
		}
		paths = append(paths, jar)
	}
	return paths, ""
}

func joinPath(jars []string) string { return strings.Join(jars, string(filepath.ListSeparator)) }

// locateJars returns the class path of a server.
func locateJars(cell Cell) (string, error) {
	if classpath := os.Getenv(ClasspathEnv); classpath != "" {
		return classpath, nil
	}
	names := serverJars
	if cell.Name == "oldest" {
		names = oldestJars
	}
	jars, missing := cell.jars(names)
	if missing != "" {
		return "", fmt.Errorf("no %s (Debian: apt-get install zookeeper; elsewhere: name the jars in %s)", missing, ClasspathEnv)
	}
	for _, name := range loggingJars {
		if jar, err := cell.Jar(name); err == nil {
			return joinPath(append(jars, jar)), nil
		}
	}
	return "", fmt.Errorf("none of %s in %s (Debian: apt-get install libslf4j-java)", strings.Join(loggingJars, ", "), debianJars)
}

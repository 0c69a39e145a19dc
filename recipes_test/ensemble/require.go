package ensemble

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ClasspathEnv names the environment variable with the list of jars to use
// instead of Debian's.
const ClasspathEnv = "DOCENT_ZK_CLASSPATH"

// requiredJars are the jars that a ZooKeeper server of 3.8 or 3.9 needs, besides
// a logging backend. The manifest of zookeeper.jar names the installed
// zookeeper-jute.jar: the cell's has to come before it.
var requiredJars = []string{
	"zookeeper-jute.jar", "zookeeper.jar", "slf4j-api.jar", "metrics-core.jar", "snappy-java.jar", "commons-cli.jar", "netty-all.jar",
	// For connections by TLS; Debian's netty-all does not have all of them.
	"netty-buffer.jar", "netty-codec.jar", "netty-common.jar", "netty-handler.jar", "netty-resolver.jar", "netty-transport.jar",
}

// oldestJars are the jars that a ZooKeeper 3.4 server needs.
var oldestJars = []string{"zookeeper.jar", "slf4j-api.jar", "log4j-1.2.jar", "commons-cli.jar"}

// loggingJars are suitable logging backends; the first one writes a log.
var loggingJars = []string{"slf4j-simple.jar", "slf4j-nop.jar"}

// installation is a Java and a ZooKeeper that runs on it.
type installation struct {
	java      string
	classpath string
	cell      Cell
}

// RequireZooKeeper skips the test if this machine has no Java or not the
// ZooKeeper of the [CurrentCell], and says which. With CI=true it fails the test instead: a suite that is
// silently skipped on a build machine proves nothing.
func RequireZooKeeper(tb testing.TB) {
	tb.Helper()
	_, err := locate()
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		tb.Fatalf("CI=true forbids skipping: %v", err)
	}
	tb.Skipf("needs a real ZooKeeper: %v", err)
}

func locate() (installation, error) {
	cell, err := CurrentCell()
	if err != nil {
		return installation{}, err
	}
	return locateCell(cell)
}

func locateCell(cell Cell) (installation, error) {
	java, err := locateJava()
	if err != nil {
		return installation{}, err
	}
	classpath, err := locateJars(cell)
	if err != nil {
		return installation{}, err
	}
	return installation{java: java, classpath: classpath, cell: cell}, nil
}

func locateJava() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		if java, err := exec.LookPath(filepath.Join(home, "bin", "java")); err == nil {
			return java, nil
		}
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return "", errors.New("no java on PATH or in JAVA_HOME (Debian: apt-get install default-jre-headless)")
	}
	return java, nil
}

func locateJars(cell Cell) (string, error) {
	if classpath := os.Getenv(ClasspathEnv); classpath != "" {
		return classpath, nil
	}
	names := requiredJars
	if cell.Name == "oldest" {
		names = oldestJars
	}
	var jars []string
	for _, name := range names {
		jar, err := cell.Jar(name)
		if err != nil {
			return "", fmt.Errorf("no %s (Debian: apt-get install zookeeper; elsewhere: name the jars in %s)", jar, ClasspathEnv)
		}
		jars = append(jars, jar)
	}
	for _, name := range loggingJars {
		if jar, err := cell.Jar(name); err == nil {
			return strings.Join(append(jars, jar), string(filepath.ListSeparator)), nil
		}
	}
	return "", fmt.Errorf("none of %s in %s (Debian: apt-get install libslf4j-java)", strings.Join(loggingJars, ", "), debianJars)
}

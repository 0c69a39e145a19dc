package ensemble

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// ClasspathEnv names the environment variable with the list of jars to use
// instead of Debian's.
const ClasspathEnv = "DOCENT_ZK_CLASSPATH"

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

//go:build unix

package moving

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// guideBlocks returns the blocks of a language in the guide.
func guideBlocks(t *testing.T, language string) (found []string) {
	t.Helper()
	guide, err := os.ReadFile("../../docs/migrate.md")
	require.NoError(t, err)
	for _, m := range regexp.MustCompile("(?s)\n```"+language+"\n(.*?)```").FindAllSubmatch(guide, -1) {
		found = append(found, string(m[1]))
	}
	require.NotEmpty(t, found)
	return found
}

// absent skips the test, or fails it with CI=true.
func absent(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI=true forbids skipping: %v", err)
	}
	t.Skipf("the guide's code is not tried: %v", err)
}

// What a block of Java takes for granted: its program does nothing but run the
// block, on the server that it is told.
const javaProgram = `
import java.util.concurrent.*;
import org.apache.curator.framework.*;
import org.apache.curator.framework.recipes.leader.*;
import org.apache.curator.framework.recipes.locks.*;
import org.apache.curator.retry.*;

class Program {
  static int done;
  static void write() { done++; }
  static void schedule() { done++; }
  static void run(CuratorFramework client) throws Exception {
BLOCKS
  }
  public static void main(String[] args) throws Exception {
    try (CuratorFramework client = CuratorFrameworkFactory.newClient(args[0], new RetryOneTime(100))) {
      client.start();
      run(client);
    }
    System.out.println(done);
  }
}
`

// The guide's Java runs with Curator.
func TestGuide_java(t *testing.T) {
	t.Parallel()
	cell, err := ensemble.CurrentCell()
	require.NoError(t, err)
	classpath, err := cell.Curator()
	if err != nil {
		absent(t, err)
	}
	javac, err := exec.LookPath("javac")
	if err != nil {
		absent(t, err)
	}
	w := inWorld(t)
	dir := t.TempDir()
	source := filepath.Join(dir, "Program.java")
	blocks := guideBlocks(t, "java")
	text := strings.Replace(javaProgram, "BLOCKS", "{"+strings.Join(blocks, "}\n{")+"}", 1)
	require.NoError(t, os.WriteFile(source, []byte(text), 0o600))
	out, err := exec.Command(javac, "-proc:none", "-cp", classpath, "-d", dir, source).CombinedOutput()
	require.NoError(t, err, "%s", out)
	run := exec.CommandContext(ensemble.Within(t, patience), "java", "-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-cp", dir+string(filepath.ListSeparator)+classpath, "Program", w.addr)
	require.Equal(t, len(blocks), counted(t, run))
}

// What a block of Python takes for granted.
const pythonProgram = `
import sys
from kazoo.client import KazooClient

done = []

def write():
    done.append(1)

client = KazooClient(hosts=sys.argv[1])
client.start(60)
BLOCKS
client.stop()
print(len(done))
`

// The guide's Python runs with kazoo.
func TestGuide_python(t *testing.T) {
	t.Parallel()
	cell, err := ensemble.CurrentCell()
	require.NoError(t, err)
	python, env, err := cell.Kazoo()
	if err != nil {
		absent(t, err)
	}
	w := inWorld(t)
	blocks := guideBlocks(t, "python")
	run := exec.CommandContext(ensemble.Within(t, patience), python, "-c",
		strings.Replace(pythonProgram, "BLOCKS", strings.Join(blocks, "\n"), 1), w.addr)
	run.Env = append(os.Environ(), env...)
	require.Equal(t, len(blocks), counted(t, run))
}

// counted runs a program, and returns the number that it prints.
func counted(t *testing.T, program *exec.Cmd) int {
	t.Helper()
	var stderr bytes.Buffer
	program.Stderr = &stderr
	out, err := program.Output()
	require.NoError(t, err, "%s", &stderr)
	n, err := strconv.Atoi(strings.TrimSpace(string(out)))
	require.NoError(t, err)
	return n
}

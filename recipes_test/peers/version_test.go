//go:build unix

package peers_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// kazoo asks a server for its version with the word envi, and checks its health
// with ruok.
const askVersion = `
import sys
from kazoo.client import KazooClient
client = KazooClient(hosts=sys.argv[1])
client.start()
print(client.server_version(), client.command(b"ruok"))
client.stop()
`

// The embedded server tells kazoo which version it plays.
func TestServerVersion(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import kazoo").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI=true forbids skipping: kazoo is missing: %v", err)
		}
		t.Skipf("needs kazoo (Debian: apt-get install python3-kazoo): %v", err)
	}
	for release, want := range map[zktest.Release]string{zktest.V35: "(3, 5, 10)", zktest.V38: "(3, 8, 0)", zktest.V39: "(3, 9, 6)"} {
		addr, err := zktest.New(t, zktest.Version(release)).Listen("127.0.0.1:0")
		require.NoError(t, err)
		out, err := exec.Command(python, "-c", askVersion, addr).CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Equal(t, want+" imok", strings.TrimSpace(string(out)))
	}
}

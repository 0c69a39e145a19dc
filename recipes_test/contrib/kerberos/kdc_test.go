//go:build unix

package kerberos

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

const realm = "DOCENT.TEST"

// kdc is a key distribution center with a database in a directory of the test.
type kdc struct {
	t    *testing.T
	dir  string
	addr string
	proc *exec.Cmd // nil while it is down
}

// tools are the programs of Debian's packages krb5-kdc, krb5-admin-server and
// krb5-user that the tests run.
var tools = []string{"kdb5_util", "kadmin.local", "krb5kdc", "kinit", "klist"}

// requireKerberos skips the test if this machine has no KDC. With CI=true it
// fails the test instead.
func requireKerberos(t *testing.T) {
	t.Helper()
	for _, tool := range tools {
		if _, err := lookTool(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("CI=true forbids skipping: %v", err)
			}
			t.Skipf("needs a KDC: %v", err)
		}
	}
}

// lookTool finds a program. The directories of the administrator's programs are
// not on every PATH.
func lookTool(name string) (string, error) {
	for _, candidate := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no %s (Debian: apt-get install krb5-kdc krb5-admin-server krb5-user)", name)
}

// startKDC creates a realm and runs its KDC until the test ends.
func startKDC(t *testing.T) *kdc {
	t.Helper()
	requireKerberos(t)
	k := &kdc{t: t, dir: t.TempDir()}
	k.addr = freeAddr(t)
	k.write("krb5.conf", k.config(""))
	k.write("kdc.conf", fmt.Sprintf("[realms]\n %s = {\n  database_name = %s\n  key_stash_file = %s\n  acl_file = %s\n  kdc_listen = %s\n  kdc_tcp_listen = %s\n }\n",
		realm, k.path("principal"), k.path("stash"), k.path("acl"), k.addr, k.addr))
	k.run("kdb5_util", "", "create", "-s", "-r", realm, "-P", "the master password")
	k.start("krb5.conf")
	t.Cleanup(k.stop)
	return k
}

// config returns a krb5.conf with more lines for its first section.
func (k *kdc) config(more string) string {
	return fmt.Sprintf("[libdefaults]\n default_realm = %s\n dns_lookup_kdc = false\n udp_preference_limit = 1\n%s[realms]\n %s = {\n  kdc = %s\n }\n[logging]\n kdc = FILE:%s\n",
		realm, more, realm, k.addr, k.path("kdc.log"))
}

func (k *kdc) path(name string) string { return filepath.Join(k.dir, name) }

func (k *kdc) conf() string { return k.path("krb5.conf") }

func (k *kdc) write(name, text string) string {
	k.t.Helper()
	require.NoError(k.t, os.WriteFile(k.path(name), []byte(text), 0o600))
	return k.path(name)
}

// command makes a command of Kerberos that reads a krb5.conf of the directory.
func (k *kdc) command(config, tool string, args ...string) *exec.Cmd {
	k.t.Helper()
	path, err := lookTool(tool)
	require.NoError(k.t, err)
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "KRB5_CONFIG="+k.path(config), "KRB5_KDC_PROFILE="+k.path("kdc.conf"), "LC_ALL=C")
	return cmd
}

// run runs a program to its end.
func (k *kdc) run(tool, input string, args ...string) string {
	k.t.Helper()
	cmd := k.command("krb5.conf", tool, args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	require.NoError(k.t, err, "%s: %s", tool, out)
	return string(out)
}

// admin sends a line to kadmin. kadmin ends with success also if the line fails.
func (k *kdc) admin(line string) {
	k.t.Helper()
	out := k.run("kadmin.local", "", "-q", line)
	for _, bad := range []string{"while ", "Usage", "Unknown"} {
		require.NotContains(k.t, out, bad, line)
	}
}

// keytab writes the key of a principal to a new keytab, as it is in the
// database.
func (k *kdc) keytab(name, principal string) string {
	k.t.Helper()
	k.admin(fmt.Sprintf("ktadd -norandkey -k %s %s", k.path(name), principal))
	return k.path(name)
}

// kinit writes a ticket to a cache.
func (k *kdc) kinit(cache, principal, password string, args ...string) string {
	k.t.Helper()
	k.run("kinit", password+"\n", append([]string{"-c", "FILE:" + k.path(cache)}, append(args, principal)...)...)
	return k.path(cache)
}

// start runs the KDC with a krb5.conf of the directory.
func (k *kdc) start(config string) {
	k.t.Helper()
	require.Nil(k.t, k.proc)
	out, err := os.OpenFile(k.path("kdc.out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(k.t, err)
	defer out.Close()
	k.proc = k.command(config, "krb5kdc", "-n")
	k.proc.Stdout, k.proc.Stderr = out, out
	require.NoError(k.t, k.proc.Start())
	ensemble.Eventually(k.t, patience, "the KDC listens", func() bool {
		conn, err := net.Dial("tcp", k.addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// stop ends the KDC.
func (k *kdc) stop() {
	if k.proc == nil {
		return
	}
	require.NoError(k.t, k.proc.Process.Kill())
	_, err := k.proc.Process.Wait()
	require.NoError(k.t, err)
	k.proc = nil
}

// issued counts the tickets for a server that a client has got from the KDC.
func (k *kdc) issued(client, server string) int {
	k.t.Helper()
	log, err := os.ReadFile(k.path("kdc.log"))
	require.NoError(k.t, err)
	n := 0
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, ": ISSUE: ") && strings.Contains(line, fmt.Sprintf(" %s@%s for %s@%s", client, realm, server, realm)) {
			n++
		}
	}
	return n
}

// freeAddr returns an address below the range from which systems take the ports
// of outgoing connections, so that it is free again after a restart.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 31_100+rand.IntN(1_600))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		require.NoError(t, l.Close())
		return addr
	}
	t.Fatal("no free port between 31100 and 32700")
	return ""
}

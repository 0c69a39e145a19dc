//go:build unix

package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// What may not be read is told of, and the rest is printed.
func TestFault19_ListsBesideAnUnreadableNode(t *testing.T) {
	server := zktest.New(t)
	join := start(t, words("group join /g a"), on(server))
	require.Equal(t, "joined /g/a", join.line())
	register := start(t, words("service register orders o1 10.0.0.1:80"), on(server))
	require.Equal(t, "registered /services/orders/o1", register.line())
	for _, path := range []string{"/g/b", "/services/orders/o0"} {
		require.NoError(t, server.Put(path, []byte("secret")))
	}
	server.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpGetData && (r.Path == "/g/b" || r.Path == "/services/orders/o0") {
			return zktest.Fail(zktest.CodeNoAuth)
		}
		return zktest.Pass
	})
	code, out, stderr := docent(t, words("group list /g"), on(server))
	require.Zero(t, code)
	require.Equal(t, "a\nb\n", out)
	require.Contains(t, stderr, "the ACL of /g/b hides")
	watch := start(t, words("group watch /g"), on(server))
	require.Equal(t, "joined b", watch.line())
	require.Equal(t, "joined a", watch.line())
	watch.kill(syscall.SIGTERM)
	code, _ = watch.wait()
	require.Zero(t, code)
	require.Contains(t, watch.stderr.String(), "/g/b: the ACL denies access; check --auth-file or DOCENT_AUTH, and the ACL")
	code, out, stderr = docent(t, words("service list orders"), on(server))
	require.Zero(t, code)
	require.Equal(t, "o1\t10.0.0.1:80\n", out)
	require.Contains(t, stderr, "/services/orders/o0: the ACL denies access")
	for _, d := range []*invocation{join, register} {
		d.kill(syscall.SIGTERM)
		code, _ := d.wait()
		require.Zero(t, code)
	}
}

// A hidden instance is named, and said to be hidden: what an ACL hides is not
// shown as an address.
func TestFault38_InspectsAHiddenInstance(t *testing.T) {
	for _, release := range []zktest.Release{zktest.V35, zktest.V38, zktest.V39} {
		t.Run(string(release), func(t *testing.T) {
			server := zktest.New(t, zktest.Version(release))
			const spring = `{"name":"orders","id":"o1","address":"10.0.0.1","port":%s,"registrationTimeUTC":1,` +
				`"payload":{"@class":"org.springframework.cloud.zookeeper.discovery.ZookeeperInstance"}}`
			for id, port := range map[string]string{"o0": "80", "o1": "80", "o2": "null"} {
				require.NoError(t, server.Put("/services/orders/"+id, fmt.Appendf(nil, spring, port)))
			}
			require.NoError(t, server.Put("/services/orders/o3", []byte(`{"name":"orders","id":"o3","address":{},"port":80,"registrationTimeUTC":1}`)))
			require.NoError(t, server.SetACL("/services/orders/o0", zktest.ACL{Perms: session.PermAll, Scheme: "digest", ID: "owner:x"}))
			code, out, _ := docent(t, words("inspect /services"), on(server))
			require.Zero(t, code)
			require.NotContains(t, out, ":0\n")
			require.NotContains(t, out, "at :")
			require.Regexp(t, `(?m)^  instance: o0 \(hidden by its ACL\)(, the ACL hides its session, age and token too: see --auth-file| for \d+s, no session, token \d+)$`, out)
			require.Regexp(t, `(?m)^  instance: o1 for .* at 10\.0\.0\.1:80$`, out)
			require.Regexp(t, `(?m)^  instance: o2 for .* at 10\.0\.0\.1$`, out)
			require.Regexp(t, `(?m)^  instance: o3 for .*, without an address$`, out)

			code, out, _ = docent(t, words("--json inspect /services"), on(server))
			require.Zero(t, code)
			require.Contains(t, out, `"layouts":["curator","spring"]`)
			require.Equal(t, 1, strings.Count(out, `"layout":"curator"`), "the layout of what is hidden is not known")

			code, out, stderr := docent(t, words("service list orders --layout spring"), on(server))
			require.Zero(t, code)
			require.NotContains(t, out, "o0")
			require.Contains(t, stderr, "/services/orders/o0: the ACL denies access")
		})
	}
}

// Addresses of version 6 are taken in brackets, and printed with one pair where
// a port follows.
func TestFault26_AddressesOfVersion6(t *testing.T) {
	server := zktest.New(t)
	for given, want := range map[string]string{"[::1]:80": "[::1]:80", "[::1]": "::1"} {
		d := start(t, words("service register orders o1 "+given), on(server))
		require.Equal(t, "registered /services/orders/o1", d.line())
		_, out, _ := docent(t, words("service list orders"), on(server))
		require.Equal(t, "o1\t"+want+"\n", out)
		_, out, _ = docent(t, words("service pick orders"), on(server))
		require.Equal(t, want+"\n", out)
		if want == "[::1]:80" {
			_, out, _ = docent(t, words("inspect /services/orders"), on(server))
			require.Contains(t, out, " at [::1]:80")
		}
		d.kill(syscall.SIGTERM)
		code, _ := d.wait()
		require.Zero(t, code)
	}
	require.NoError(t, server.Put("/services/orders/t", []byte(`{"name":"orders","id":"t","address":"h","sslPort":443}`)))
	_, out, stderr := docent(t, words("service pick orders"), on(server))
	require.Equal(t, "h:443\n", out)
	require.Contains(t, stderr, "call it with TLS")
	_, out, _ = docent(t, words("service list orders"), on(server))
	require.Equal(t, "t\th:443\ttls\n", out)
}

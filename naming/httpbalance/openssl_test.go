package httpbalance_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming/httpbalance"
)

// The commands of the guide issue certificates with which a client and an
// instance verify each other.
func TestGuideCertificates(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		require.NotEqual(t, "true", os.Getenv("CI"), "openssl is missing, and CI=true")
		t.Skip("no openssl")
	}
	page, err := os.ReadFile("../../docs/security.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(page), "```sh\nopenssl req ")
	require.True(t, found)
	commands, _, _ := strings.Cut("openssl req "+rest, "```")
	dir := t.TempDir()
	sh := exec.CommandContext(t.Context(), "sh", "-e", "-c", commands)
	sh.Dir = dir
	out, err := sh.CombinedOutput()
	require.NoError(t, err, "%s", out)

	load := func(name string) tls.Certificate {
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"))
		require.NoError(t, err)
		return pair
	}
	pem, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	require.NoError(t, err)
	ca := x509.NewCertPool()
	require.True(t, ca.AppendCertsFromPEM(pem))
	mutual := func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, ca }
	good, stranger := startTLS(t, "good", load("orders"), mutual), startTLS(t, "stranger", load("shop"), mutual)
	caller := func(certs ...tls.Certificate) *http.Client {
		return client(t, list(stranger.Instance, good.Instance), httpbalance.RoundTripper(&http.Transport{
			TLSClientConfig: &tls.Config{Certificates: certs, RootCAs: ca}, ForceAttemptHTTP2: true,
		}))
	}
	for range 4 {
		got, err := send(t, caller(load("shop")), http.MethodPost, "https://orders/", strings.NewReader("x"))
		require.NoError(t, err)
		require.Equal(t, "good HTTP/2.0 orders Bearer secret", got)
	}
	_, err = send(t, caller(), http.MethodPost, "https://orders/", strings.NewReader("x"))
	require.Error(t, err, "without a certificate of the client")
	require.Zero(t, stranger.seen.Load())
	require.EqualValues(t, 4, good.seen.Load())

	if _, err := exec.LookPath("curl"); err != nil {
		return
	}
	_, rest, found = strings.Cut(string(page), "\n    curl --cacert ")
	require.True(t, found)
	line, _, _ := strings.Cut("curl --cacert "+rest, "\n")
	for address, works := range map[string]bool{good.HostPort(): true, stranger.HostPort(): false} {
		curl := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(line, "$(docent service pick orders)", address, 1))
		curl.Dir = dir
		out, err := curl.CombinedOutput()
		require.Equal(t, works, err == nil, "%s", out)
	}
	require.Zero(t, stranger.seen.Load())
}

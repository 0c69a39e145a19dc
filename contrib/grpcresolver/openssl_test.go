package grpcresolver_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/docent-go/docent/contrib/grpcresolver"
	"github.com/docent-go/docent/naming"
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
	w := start(t)
	for id, cert := range map[string]string{"good": "orders", "stranger": "shop"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		srv := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{
			Certificates: []tls.Certificate{load(cert)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca,
		})))
		grpc_health_v1.RegisterHealthServer(srv, &secureServer{id: id})
		done := make(chan error, 1)
		go func() { done <- srv.Serve(l) }()
		defer func() {
			srv.Stop()
			require.NoError(t, <-done)
		}()
		_, err = w.registry.Register(t.Context(), naming.Instance{
			Service: "orders", ID: id, Address: "127.0.0.1", SSLPort: l.Addr().(*net.TCPAddr).Port,
		})
		require.NoError(t, err)
	}
	dial := func(certs ...tls.Certificate) *grpc.ClientConn {
		conn, err := grpc.NewClient("docent:///orders", grpc.WithResolvers(grpcresolver.New(w.registry)), grpc.WithDefaultServiceConfig(config),
			grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{Certificates: certs, RootCAs: ca})))
		require.NoError(t, err)
		return conn
	}
	conn := dial(load("shop"))
	w.reached(conn, "good")
	require.NoError(t, conn.Close())
	conn = dial()
	_, err = call(t.Context(), conn)
	require.Equal(t, codes.Unavailable, status.Code(err), "without a certificate of the client: %v", err)
	require.NoError(t, conn.Close())
}

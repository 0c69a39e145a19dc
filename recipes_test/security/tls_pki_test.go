package security

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// authority is a certificate authority with files in a directory of its own.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // its certificate
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	a := &authority{t: t, dir: t.TempDir(), cert: cert, key: key, pool: x509.NewCertPool()}
	a.pool.AddCert(cert)
	a.file = a.write("ca.pem", block("CERTIFICATE", der))
	return a
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func (a *authority) write(name string, data []byte) string {
	a.t.Helper()
	file := filepath.Join(a.dir, name)
	require.NoError(a.t, os.WriteFile(file, data, 0o600))
	return file
}

// pair is a certificate and its key, in files.
type pair struct {
	cert, key, both string
	tls             tls.Certificate
}

// issue makes a certificate for a name and, if local, for this machine.
func (a *authority) issue(name string, local bool) pair {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	if local {
		template.DNSNames = append(template.DNSNames, "localhost")
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	require.NoError(a.t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a.t, err)
	cert, private := block("CERTIFICATE", der), block("PRIVATE KEY", pkcs8)
	return pair{
		cert: a.write(name+".crt", cert), key: a.write(name+".key", private),
		both: a.write(name+".pem", append(private, cert...)),
		tls:  tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
	}
}

// secured starts a real server that speaks TLS, demands a client's certificate,
// and uses it as credentials. It returns the port for TLS.
func secured(t *testing.T, a *authority, opts ...ensemble.Option) (e *ensemble.Ensemble, port int) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port = free.Addr().(*net.TCPAddr).Port
	require.NoError(t, free.Close())
	server := a.issue("server.example", true)
	e = ensemble.Start(t, 1, append(opts,
		ensemble.JVM("-Dzookeeper.serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory"),
		ensemble.Config("secureClientPort", fmt.Sprint(port)),
		ensemble.Config("secureClientPortAddress", "127.0.0.1"),
		ensemble.Config("ssl.keyStore.location", server.both),
		ensemble.Config("ssl.trustStore.location", a.file),
		ensemble.Config("ssl.clientAuth", "need"),
	)...)
	awaitPort(t, port)
	return e, port
}

// awaitPort waits for the TLS port, which the server opens after the plain one.
func awaitPort(t *testing.T, port int) {
	t.Helper()
	ensemble.Eventually(t, patience, "the port for TLS is open", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		return err == nil && c.Close() == nil
	})
}

package zktest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestTCP(t *testing.T) {
	s := zktest.New(t)
	addr, err := s.Listen("127.0.0.1:0")
	require.NoError(t, err)
	require.Equal(t, addr, s.Addr())
	c, _, err := zk.Connect([]string{addr}, 10*time.Second, zk.WithLogger(quiet{}))
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Create("/a", []byte(strings.Repeat("x", 500_000)), zk.FlagEphemeral, open)
	require.NoError(t, err)
	data, _, err := c.Get("/a")
	require.NoError(t, err)
	require.Len(t, data, 500_000)
	_, err = s.Listen("no such address")
	require.Error(t, err)
}

func TestFourLetterWords(t *testing.T) {
	s := zktest.New(t)
	addr, err := s.Listen("127.0.0.1:0")
	require.NoError(t, err)
	for word, want := range map[string]string{"ruok": "imok", "srvr": "Mode: standalone"} {
		c, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		_, err = c.Write([]byte(word))
		require.NoError(t, err)
		answer, err := io.ReadAll(c)
		require.NoError(t, err)
		require.Contains(t, string(answer), want)
		require.NoError(t, c.Close())
	}
}

func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)

	s := zktest.New(t, zktest.TLS(&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}))
	addr, err := s.Listen("127.0.0.1:0")
	require.NoError(t, err)
	c := connect(t, func(network, _ string, timeout time.Duration) (net.Conn, error) {
		return tls.DialWithDialer(&net.Dialer{Timeout: timeout}, network, addr, &tls.Config{RootCAs: pool})
	}, 10*time.Second)
	c.create(t, "/a", "", 0)
	require.Equal(t, []string{"/a"}, s.Paths())
}

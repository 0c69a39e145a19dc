package httpbalance_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"time"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/naming/httpbalance"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Mutual TLS: the client verifies that an instance has a certificate of the
// service, whatever its address is. The instance verifies who calls.
func Example_mutualTLS() {
	zk, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer zk.Close()
	ctx := context.Background()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1"}, Dialer: zk.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer sm.Close()
	registry := naming.NewRegistry(sm)
	ca, issue := authority() // in a program: files that openssl has made

	// An instance of orders has a certificate for orders, and takes requests of
	// the program shop.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.TLS.PeerCertificates[0].VerifyHostname("shop") != nil {
				http.Error(w, "only shop may call", http.StatusForbidden)
				return
			}
			fmt.Fprint(w, "orders, over ", r.Proto)
		}),
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{issue("orders")},
			ClientAuth:   tls.RequireAndVerifyClientCert,
			ClientCAs:    ca,
		},
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	defer server.Close()
	if _, err := registry.Register(ctx, naming.Instance{Service: "orders", ID: "orders-1",
		Address: "127.0.0.1", SSLPort: listener.Addr().(*net.TCPAddr).Port}); err != nil {
		log.Fatal(err)
	}

	// The client has a certificate for shop, and trusts the authority.
	orders, err := registry.Open(ctx, "orders")
	if err != nil {
		log.Fatal(err)
	}
	defer orders.Close()
	client := &http.Client{Transport: httpbalance.New(
		httpbalance.Service("orders", orders),
		httpbalance.OnlyServices(),
		httpbalance.RoundTripper(&http.Transport{
			TLSClientConfig:   &tls.Config{Certificates: []tls.Certificate{issue("shop")}, RootCAs: ca},
			ForceAttemptHTTP2: true,
		}),
	)}
	defer client.CloseIdleConnections()
	resp, err := client.Get("https://orders/v1/17")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(body))
	// Output: orders, over HTTP/2.0
}

// authority makes an authority and a function that issues its certificates.
func authority() (*x509.CertPool, func(name string) tls.Certificate) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop CA"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	sign := func(of *x509.Certificate, public any) []byte {
		der, err := x509.CreateCertificate(rand.Reader, of, root, public, key)
		if err != nil {
			log.Fatal(err)
		}
		return der
	}
	if root, err = x509.ParseCertificate(sign(root, key.Public())); err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	serial := int64(1)
	return pool, func(name string) tls.Certificate {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			log.Fatal(err)
		}
		serial++
		der := sign(&x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
			DNSNames: []string{name}, KeyUsage: x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}, key.Public())
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
}

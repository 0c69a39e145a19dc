package grpcresolver_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log"
	"math/big"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/docent-go/docent/contrib/grpcresolver"
	"github.com/docent-go/docent/naming"
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

	// An instance of orders has a certificate for orders, and takes calls of the
	// program shop.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	onlyShop := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		if caller, ok := peer.FromContext(ctx); ok {
			if info, ok := caller.AuthInfo.(credentials.TLSInfo); ok && info.State.PeerCertificates[0].VerifyHostname("shop") == nil {
				return next(ctx, req)
			}
		}
		return nil, status.Error(codes.PermissionDenied, "only shop may call")
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(onlyShop), grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{issue("orders")},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    ca,
	})))
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	if _, err := registry.Register(ctx, naming.Instance{Service: "orders", ID: "orders-1",
		Address: "127.0.0.1", SSLPort: listener.Addr().(*net.TCPAddr).Port}); err != nil {
		log.Fatal(err)
	}

	// The client has a certificate for shop, and trusts the authority. It
	// verifies the name of the service: orders.
	conn, err := grpc.NewClient("docent:///orders",
		grpc.WithResolvers(grpcresolver.New(registry)),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
			Certificates: []tls.Certificate{issue("shop")},
			RootCAs:      ca,
		})))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.GetStatus())
	// Output: SERVING
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

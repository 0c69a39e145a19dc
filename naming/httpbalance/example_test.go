package httpbalance_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/naming/httpbalance"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func Example() {
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

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "this is ", r.Host)
	}))
	defer server.Close()
	addr := server.Listener.Addr().(*net.TCPAddr)
	if _, err := registry.Register(ctx, naming.Instance{Service: "orders", ID: "orders-1",
		Address: addr.IP.String(), Port: addr.Port}); err != nil {
		log.Fatal(err)
	}

	orders, err := registry.Open(ctx, "orders")
	if err != nil {
		log.Fatal(err)
	}
	defer orders.Close()
	client := &http.Client{Transport: httpbalance.New(httpbalance.Service("orders", orders))}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://orders/v1/17")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(body))
	// Output: this is orders
}

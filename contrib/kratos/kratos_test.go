package docentkratos_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-kratos/kratos/v2"
	"github.com/go-kratos/kratos/v2/transport/grpc"
	"github.com/stretchr/testify/require"
	ggrpc "google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	docentkratos "github.com/docent-go/docent/contrib/kratos"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A server of kratos registers, and a client of kratos finds and calls it. The
// client begins first. When the app has stopped, its instance is gone.
func TestKratos(t *testing.T) {
	zk := zktest.New(t)
	dial := func() *session.Manager {
		sm, err := session.Dial(t.Context(), session.Config{Servers: []string{"zk1"}, Dialer: zk.DialContext})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, sm.Close()) })
		return sm
	}
	client := docentkratos.New(dial())
	conn, err := grpc.DialInsecure(t.Context(), grpc.WithEndpoint("discovery:///orders"), grpc.WithDiscovery(client),
		grpc.WithTimeout(0), grpc.WithPrintDiscoveryDebugLog(false))
	require.NoError(t, err)
	called := make(chan error, 1)
	go func() {
		_, err := grpc_health_v1.NewHealthClient(conn).Check(context.WithoutCancel(t.Context()),
			&grpc_health_v1.HealthCheckRequest{}, ggrpc.WaitForReady(true))
		called <- err
	}()

	server := docentkratos.New(dial())
	app := kratos.New(kratos.Name("orders"), kratos.ID("orders-1"), kratos.Registrar(server),
		kratos.RegistrarTimeout(time.Minute), kratos.Server(grpc.NewServer(grpc.Address("127.0.0.1:0"))))
	ran := make(chan error, 1)
	go func() { ran <- app.Run() }()
	require.NoError(t, <-called)
	all, err := client.GetService(t.Context(), "orders")
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, app.Endpoint(), all[0].Endpoints)

	require.NoError(t, conn.Close())
	require.NoError(t, app.Stop())
	require.NoError(t, <-ran)
	_, found, err := dial().Exists(t.Context(), "/microservices/orders/orders-1")
	require.NoError(t, err)
	require.False(t, found)
	require.NoError(t, client.Close())
	require.NoError(t, server.Close())
}

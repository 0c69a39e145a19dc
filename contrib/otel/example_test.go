package docentotel_test

import (
	"context"
	"fmt"
	"log"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	docentotel "github.com/docent-go/docent/contrib/otel"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func Example() {
	zk, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer zk.Close()

	spans := tracetest.NewSpanRecorder() // in a program: an exporter
	traces := trace.NewTracerProvider(trace.WithSpanProcessor(spans))
	telemetry := docentotel.New(docentotel.Traces(traces),
		docentotel.Names(docentotel.Below(map[string]string{"/locks/orders": "orders"})))
	ctx := context.Background()
	sm, err := session.Dial(ctx, session.Config{
		Servers: []string{"zk1"}, Dialer: zk.DialContext,
		Hooks: []session.Hook{telemetry},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer sm.Close()
	if err := lock.NewMutex(sm, "/locks/orders").Do(ctx, func(context.Context, *lock.Hold) error { return nil }); err != nil {
		log.Fatal(err)
	}
	fmt.Println(spans.Ended()[0].Name(), spans.Ended()[0].Attributes()[0].Value.AsString())
	// Output: docent.wait orders
}

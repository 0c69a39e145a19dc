package config_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// start runs a server in the process, where a program would name its ensemble.
func start() (sm *session.Manager, stop func()) {
	srv, err := zktest.Start()
	if err != nil {
		log.Fatal(err)
	}
	sm, err = session.Dial(context.Background(), session.Config{Servers: []string{"zk1:2181"}, Dialer: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	return sm, func() { _, _ = sm.Close(), srv.Close() }
}

func ExampleOpen() {
	type Limits struct {
		QPS int `json:"qps"`
	}
	ctx := context.Background()
	sm, stop := start()
	defer stop()

	limits, err := config.Open(ctx, sm, "/config/limits", config.JSON[Limits](),
		config.Default(Limits{QPS: 10}),
		config.Validate(func(l Limits) error {
			if l.QPS < 1 {
				return errors.New("qps must be positive")
			}
			return nil
		}))
	if err != nil {
		log.Fatal(err)
	}
	defer limits.Close()
	fmt.Println("at first:", limits.Load().Value.QPS)

	// Somebody else publishes: first a good value, then a bad one.
	store := config.NewStore(sm, "/config")
	if err := store.Create(ctx, "limits", []byte(`{"qps": 50}`)); err != nil {
		log.Fatal(err)
	}
	for snap, err := range limits.Changes(ctx) {
		var bad *config.BadValueError
		if errors.As(err, &bad) {
			fmt.Printf("refused: %v; still %d\n", bad.Err, snap.Value.QPS)
			break
		}
		if snap.Exists {
			fmt.Println("now:", snap.Value.QPS)
			if _, err := store.Set(ctx, "limits", []byte(`{"qps": 0}`), config.AnyVersion); err != nil {
				log.Fatal(err)
			}
		}
	}
	// Output:
	// at first: 10
	// now: 50
	// refused: qps must be positive; still 50
}

func ExampleValue_Update() {
	ctx := context.Background()
	sm, stop := start()
	defer stop()

	flags, err := config.Open(ctx, sm, "/config/flags", config.JSON[map[string]bool](), config.Default(map[string]bool{}))
	if err != nil {
		log.Fatal(err)
	}
	defer flags.Close()
	for _, name := range []string{"dark-mode", "beta"} {
		_, err := flags.Update(ctx, func(f map[string]bool) (map[string]bool, error) {
			f[name] = true
			return f, nil
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(flags.Load().Value, "version", flags.Load().Version)
	// Output: map[beta:true dark-mode:true] version 1
}

func ExampleStore_Publish() {
	ctx := context.Background()
	sm, stop := start()
	defer stop()

	store := config.NewStore(sm, "/config")
	err := store.Publish(ctx,
		config.CreateKey("db/host", []byte("db1")),
		config.CreateKey("db/user", []byte("app")),
		config.CreateKey("epoch", []byte("1")))
	if err != nil {
		log.Fatal(err)
	}
	// Both change or none, and only while nobody has begun another epoch.
	move := func(host string) error {
		return store.Publish(ctx,
			config.CheckKey("epoch", 0),
			config.SetKey("db/host", []byte(host), config.AnyVersion),
			config.SetKey("db/user", []byte("app-on-"+host), config.AnyVersion))
	}
	if err := move("db2"); err != nil {
		log.Fatal(err)
	}
	if _, err := store.Set(ctx, "epoch", []byte("2"), config.AnyVersion); err != nil {
		log.Fatal(err)
	}
	fmt.Println("refused:", errors.Is(move("db3"), zk.ErrBadVersion))
	user, err := store.Get(ctx, "db/user")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(user.Data))
	// Output:
	// refused: true
	// app-on-db2
}

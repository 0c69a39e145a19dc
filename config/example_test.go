package config_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func ExampleOpen() {
	ctx := context.Background()
	srv, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1:2181"}, Dialer: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer sm.Close()

	type Limits struct {
		QPS int `json:"qps"`
	}

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

	// Another client publishes: first a good value, then a bad one.
	store := config.NewStore(sm, "/config")
	if _, err := store.Create(ctx, "limits", []byte(`{"qps": 50}`)); err != nil {
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
			if _, err := store.Set(ctx, "limits", []byte(`{"qps": 0}`), session.AnyVersion); err != nil {
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
	srv, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1:2181"}, Dialer: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer sm.Close()

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
	srv, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1:2181"}, Dialer: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer sm.Close()

	store := config.NewStore(sm, "/config")
	err = store.Publish(ctx,
		config.CreateKey("db/host", []byte("db1")),
		config.CreateKey("db/user", []byte("app")),
		config.CreateKey("epoch", []byte("1")))
	if err != nil {
		log.Fatal(err)
	}
	// Both keys change or none, and only while the epoch is the same.
	move := func(host string) error {
		return store.Publish(ctx,
			config.CheckKey("epoch", 0),
			config.SetKey("db/host", []byte(host), session.AnyVersion),
			config.SetKey("db/user", []byte("app-on-"+host), session.AnyVersion))
	}
	if err := move("db2"); err != nil {
		log.Fatal(err)
	}
	if _, err := store.Set(ctx, "epoch", []byte("2"), session.AnyVersion); err != nil {
		log.Fatal(err)
	}
	fmt.Println("refused:", errors.Is(move("db3"), session.ErrBadVersion))
	user, err := store.Get(ctx, "db/user")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(user.Data))
	// Output:
	// refused: true
	// app-on-db2
}

func ExampleOpenTree() {
	ctx := context.Background()
	srv, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1:2181"}, Dialer: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer sm.Close()

	store := config.NewStore(sm, "/config")
	err = store.Publish(ctx, config.CreateKey("pool/min", []byte("2")), config.CreateKey("pool/max", []byte("8")))
	if err != nil {
		log.Fatal(err)
	}
	tree, err := config.OpenTree(ctx, sm, "/config", config.JSON[int](), config.Default(-1))
	if err != nil {
		log.Fatal(err)
	}
	defer tree.Close()
	now := tree.Load()
	fmt.Println(now.Value("pool/min"), now.Value("pool/max"), now.Value("pool/none"))

	// Both change at once, and are seen to.
	err = store.Publish(ctx, config.SetKey("pool/min", []byte("10"), session.AnyVersion),
		config.SetKey("pool/max", []byte("20"), session.AnyVersion))
	if err != nil {
		log.Fatal(err)
	}
	for snap, err := range tree.Changes(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if snap.Value("pool/min") == 10 {
			for key := range snap.All() {
				fmt.Println(key.Key, key.Value, "version", key.Version)
			}
			break
		}
	}
	// Output:
	// 2 8 -1
	// pool/max 20 version 1
	// pool/min 10 version 1
}

func ExampleHistory() {
	ctx := context.Background()
	srv, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1:2181"}, Dialer: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer sm.Close()

	limits := config.NewStore(sm, "/config").History(10)
	for _, value := range []string{"50", "100", "-1"} {
		if _, err := limits.Put(ctx, "qps", []byte(value)); err != nil {
			log.Fatal(err)
		}
	}
	past, err := limits.List(ctx, "qps") // newest first
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range past {
		fmt.Printf("%s (present: %v)\n", p.Data, p.Present)
	}
	now, err := limits.Rollback(ctx, "qps", past[1].ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("back to %s, version %d\n", now.Data, now.Version)
	// Output:
	// -1 (present: true)
	// 100 (present: false)
	// 50 (present: false)
	// back to 100, version 3
}

func ExampleSyncFile() {
	ctx, cancel := context.WithCancel(context.Background())
	srv, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1:2181"}, Dialer: srv.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer sm.Close()

	dir, err := os.MkdirTemp("", "config")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	if _, err := config.NewStore(sm, "/config").Create(ctx, "limits", []byte(`{"qps": 50}`)); err != nil {
		log.Fatal(err)
	}
	err = config.SyncFile(ctx, sm, "/config/limits", filepath.Join(dir, "limits.json"),
		config.AfterChange(func(c config.FileChange) {
			data, err := os.ReadFile(c.File)
			fmt.Println(string(data), err)
			cancel() // here a program would reload; this one has seen enough
		}))
	fmt.Println(err)
	// Output:
	// {"qps": 50} <nil>
	// <nil>
}

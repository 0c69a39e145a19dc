package docentkoanf_test

import (
	"context"
	"fmt"
	"log"
	"sync/atomic"

	"github.com/knadh/koanf/parsers/json"
	"github.com/knadh/koanf/v2"

	docentkoanf "github.com/docent-go/docent/contrib/koanf"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func Example() {
	zk, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer zk.Close()
	if err := zk.Put("/config/orders.json", []byte(`{"qps": 5}`)); err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1"}, Dialer: zk.DialContext})
	if err != nil {
		log.Fatal(err)
	}
	defer sm.Close()

	p, err := docentkoanf.OpenKey(ctx, sm, "/config/orders.json", docentkoanf.Parses(json.Parser()))
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	var current atomic.Pointer[koanf.Koanf]
	load := func() error {
		k := koanf.New(".") // a new one: Load never removes keys
		if err := k.Load(p, json.Parser()); err != nil {
			return err
		}
		current.Store(k)
		return nil
	}
	if err := load(); err != nil {
		log.Fatal(err)
	}
	changed := make(chan struct{}, 1)
	if err := p.Watch(func(_ any, err error) {
		if err == nil {
			err = load()
		}
		if err != nil {
			log.Print(err) // the configuration stays as it is
			return
		}
		changed <- struct{}{}
	}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(current.Load().Int("qps"))
	if err := zk.Put("/config/orders.json", []byte(`{"qps": 6}`)); err != nil {
		log.Fatal(err)
	}
	<-changed
	fmt.Println(current.Load().Int("qps"))
	// Output:
	// 5
	// 6
}

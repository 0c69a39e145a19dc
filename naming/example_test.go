package naming_test

import (
	"fmt"
	"log"

	"github.com/docent-go/docent/naming"
)

func ExampleBalancer() {
	list := naming.NewList(
		naming.Instance{Service: "orders", ID: "a", Address: "10.0.0.1", Port: 80},
		naming.Instance{Service: "orders", ID: "b", Address: "10.0.0.2", Port: 80, Draining: true},
		naming.Instance{Service: "orders", ID: "c", Address: "10.0.0.3", Port: 80},
	)
	b := naming.NewBalancer(list, naming.RoundRobin())
	for range 4 {
		p, err := b.Pick("")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(p.Item.HostPort())
		p.Done(nil) // or the error of the call
	}
	// Unordered output:
	// 10.0.0.1:80
	// 10.0.0.3:80
	// 10.0.0.1:80
	// 10.0.0.3:80
}

// Producers that spread over the queues of several brokers, in order.
func ExampleNewBalancerOf() {
	type partition struct {
		Broker string
		Queue  int
	}
	partitions := naming.NewList(partition{"broker-1", 0}, partition{"broker-1", 1}, partition{"broker-2", 0})
	id := func(p *partition) string { return fmt.Sprintf("%s-%d", p.Broker, p.Queue) }
	b := naming.NewBalancerOf(partitions, id, naming.RoundRobin())
	for range 3 { // in order, from a random place on
		p, err := b.Pick("")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(id(p.Item))
		p.Done(nil)
	}
	// Unordered output:
	// broker-1-0
	// broker-1-1
	// broker-2-0
}

// A key stays with its instance, in every process.
func ExampleHash() {
	list := naming.NewList(
		naming.Instance{Service: "orders", ID: "a", Address: "10.0.0.1", Port: 80},
		naming.Instance{Service: "orders", ID: "b", Address: "10.0.0.2", Port: 80},
		naming.Instance{Service: "orders", ID: "c", Address: "10.0.0.3", Port: 80, Weight: 2},
	)
	b := naming.NewBalancer(list, naming.Hash())
	for _, user := range []string{"ann", "fay", "gus", "ann"} {
		p, err := b.Pick(user)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(user, p.Item.ID)
		p.Done(nil)
	}
	// Output:
	// ann c
	// fay b
	// gus a
	// ann c
}

// One hot key does not overload its instance: no instance gets more than 1.25
// times its share of the calls under way.
func ExampleBoundedLoad() {
	list := naming.NewList(
		naming.Instance{Service: "orders", ID: "a", Address: "10.0.0.1", Port: 80},
		naming.Instance{Service: "orders", ID: "b", Address: "10.0.0.2", Port: 80},
		naming.Instance{Service: "orders", ID: "c", Address: "10.0.0.3", Port: 80},
		naming.Instance{Service: "orders", ID: "d", Address: "10.0.0.4", Port: 80},
	)
	b := naming.NewBalancer(list, naming.Hash(naming.BoundedLoad(1.25)))
	for range 100 { // which last
		if _, err := b.Pick("hot"); err != nil {
			log.Fatal(err)
		}
	}
	busiest := 0
	for _, in := range list.Load() {
		busiest = max(busiest, b.Pending(in.ID))
	}
	fmt.Println("the busiest of 4 has", busiest, "of 100 calls")
	// Output: the busiest of 4 has 32 of 100 calls
}

func ExampleMarshalPayload() {
	type Info struct {
		Version string `json:"version"`
	}
	payload, err := naming.MarshalPayload("org.example.Info", Info{"1.2"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(payload))
	var back Info
	if err := naming.UnmarshalPayload(payload, &back); err != nil {
		log.Fatal(err)
	}
	fmt.Println(back.Version)
	// Output:
	// {"@class":"org.example.Info","version":"1.2"}
	// 1.2
}

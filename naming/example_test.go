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
	// Output:
	// 10.0.0.1:80
	// 10.0.0.3:80
	// 10.0.0.1:80
	// 10.0.0.3:80
}

// Producers that spread over the queues of several brokers, in order.
func ExampleBalancerOf() {
	type partition struct {
		Broker string
		Queue  int
	}
	partitions := naming.NewList(partition{"broker-1", 0}, partition{"broker-1", 1}, partition{"broker-2", 0})
	id := func(p *partition) string { return fmt.Sprintf("%s-%d", p.Broker, p.Queue) }
	b := naming.BalancerOf(partitions, id, naming.RoundRobin())
	for range 4 {
		p, err := b.Pick("")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(id(p.Item))
		p.Done(nil)
	}
	// Output:
	// broker-1-0
	// broker-1-1
	// broker-2-0
	// broker-1-0
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

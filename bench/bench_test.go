package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/queue"
)

// The benchmarks of hot paths that have none in their packages. They use the
// embedded server, in memory, so that they measure the cost of this side.

func BenchmarkPut(b *testing.B) {
	_, sm := embedded(b)
	q := queue.New(sm, "/queues/mail")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := q.Put(b.Context(), payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTakeAck(b *testing.B) {
	_, sm := embedded(b)
	q := queue.New(sm, "/queues/mail")
	require.NoError(b, fill(b.Context(), q, b.N))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		item, err := q.Take(b.Context())
		if err == nil {
			err = item.Ack()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkResign is a campaign of one candidate, and its resignation.
func BenchmarkResign(b *testing.B) {
	_, sm := embedded(b)
	e := election.New(sm, "/leaders/scheduler", election.ID("a"))
	b.ReportAllocs()
	for b.Loop() {
		term, err := e.Campaign(b.Context())
		if err == nil {
			err = term.Resign()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

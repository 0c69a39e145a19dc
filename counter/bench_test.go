package counter_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func dialBench(b *testing.B) *session.Manager {
	b.Helper()
	srv := zktest.New(b)
	sm, err := session.Dial(b.Context(), session.Config{Servers: []string{"zk1"}, Dialer: srv.DialContext})
	require.NoError(b, err)
	b.Cleanup(func() { _ = sm.Close() })
	return sm
}

func BenchmarkSequenceNext(b *testing.B) {
	s := counter.NewSequence(dialBench(b), path, counter.Block(1_000_000))
	defer s.Close()
	ctx := context.Background()
	_, err := s.Next(ctx)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Next(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	c := counter.New(dialBench(b), path)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Add(ctx, 1); err != nil {
			b.Fatal(err)
		}
	}
}

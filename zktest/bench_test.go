package zktest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		s, err := zktest.Start()
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCreateDelete(b *testing.B) {
	s := zktest.New(b)
	c := connect(b, s.Dial, 10*time.Second)
	for b.Loop() {
		_, err := c.Create("/a", nil, 0, open)
		require.NoError(b, err)
		require.NoError(b, c.Delete("/a", -1))
	}
}

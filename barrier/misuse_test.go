package barrier_test

import (
	"testing"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
)

func TestFault59_Misuse(t *testing.T) {
	testworld.Misuse(t,
		barrier.New, barrier.NewDouble, barrier.ID,
		new(barrier.Barrier), new(barrier.Double), new(barrier.Visit), barrier.New(nil, "/a"), barrier.NewDouble(nil, "/a", 2),
	)
}

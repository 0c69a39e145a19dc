package counter_test

import (
	"testing"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/internal/testing/testworld"
)

func TestFault59_Misuse(t *testing.T) {
	testworld.Misuse(t,
		counter.New, counter.NewSequence, counter.Layout, counter.Block, counter.LowWater,
		new(counter.Counter), new(counter.Sequence), counter.New(nil, "/a"), counter.NewSequence(nil, "/a"),
		new(counter.FormatError),
	)
}

package inspect

import (
	"testing"

	"github.com/docent-go/docent/internal/testing/testworld"
)

func TestFault59_Misuse(t *testing.T) {
	testworld.Misuse(t,
		Read, Changes, Deadlocks, DeadlocksBetween, Problems, RemoveAbandoned,
		Children, Confirm, Depth, Every, Limit, MaxBytes, Names, OnConfirm, Pulse, Rate, Silence,
		new(Report), new(DeadlockReport), new(Header), new(TroubleError),
	)
}

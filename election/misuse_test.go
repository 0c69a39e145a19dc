package election_test

import (
	"testing"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testworld"
)

func TestFault59_Misuse(t *testing.T) {
	testworld.Misuse(t, new(election.Election), new(election.Term), election.New(nil, "/a"), election.New(nil, "/a", election.OneNode()))
}

package election_test

import (
	"testing"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/testworld"
)

func TestFault59_Misuse(t *testing.T) {
	testworld.Misuse(t,
		election.New, election.ID, election.Layout, election.OnTermEnd, election.Payload,
		new(election.Election), new(election.Term), new(election.Leader),
		election.New(nil, "/a"), election.New(nil, "/a", election.Layout(election.OneNode)),
	)
}

package session_test

import (
	"testing"

	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/session"
)

func TestFault59_Misuse(t *testing.T) {
	testworld.Misuse(t, new(session.Manager), (*session.Manager)(nil), new(session.Hold))
}

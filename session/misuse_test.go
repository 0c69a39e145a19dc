package session_test

import (
	"testing"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

func TestFault59_Misuse(t *testing.T) {
	testworld.Misuse(t,
		session.Dial, session.Start, session.ParseConnect, session.CreatorACL, session.Hidden,
		session.RefusedOp, session.AddAuth, session.Digest, session.DigestMD5,
		session.CheckOp, session.CreateOp, session.DeleteOp, session.SetOp,
		new(session.Manager), new(session.Hold), new(session.Op), new(session.Credential), new(session.State), new(session.Health),
		new(session.OpError), new(session.CodeError), new(session.ID),
		session.WorldACL, session.AuthACL, session.DigestACL,
	)
}

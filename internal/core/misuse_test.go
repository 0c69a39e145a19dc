package core_test

import (
	"testing"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
)

func TestFault59_Misuse(t *testing.T) {
	testworld.Misuse(t,
		core.Dial, core.Start, core.ParseConnect, core.CreatorACL, core.GrantsOf, core.Hidden, core.InDoubt, core.Failed, core.Inside, core.Worded, core.Foreign, core.ClosedError,
		core.WaitingFor, core.Lasting, core.IDTaken, core.Replaced, new(core.SessionID),
		core.RefusedOp, core.RefusedReason, core.AddAuth, core.Digest,
		core.CheckOp, core.CreateOp, core.DeleteOp, core.GuardOp, core.SetOp,
		core.RequirePersistent, core.RequireNoCreates,
		new(core.Manager), new(core.Session), new(core.Hold), new(core.Node), new(core.Entry),
		new(core.Life), new(core.Turn), new(core.Watch), new(core.Follower), new(core.Op), new(core.Credential), new(core.State),
		new(core.OpError), new(core.CodeError), new(core.Grant),
		core.WorldACL, core.AuthACL, core.DigestACL,
	)
}

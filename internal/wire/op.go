package wire

import "fmt"

// Op is the kind of a request.
type Op int32

// The kinds of requests.
const (
	OpCreate              Op = 1
	OpDelete              Op = 2
	OpExists              Op = 3
	OpGetData             Op = 4
	OpSetData             Op = 5
	OpGetACL              Op = 6
	OpSetACL              Op = 7
	OpGetChildren         Op = 8
	OpSync                Op = 9
	OpPing                Op = 11
	OpGetChildren2        Op = 12
	OpCheck               Op = 13
	OpMulti               Op = 14
	OpCreate2             Op = 15 // a create whose answer has the znode's stat too
	OpReconfig            Op = 16
	OpCheckWatches        Op = 17
	OpRemoveWatches       Op = 18
	OpCreateContainer     Op = 19
	OpDeleteContainer     Op = 20
	OpCreateTTL           Op = 21
	OpMultiRead           Op = 22
	OpAuth                Op = 100
	OpSetWatches          Op = 101
	OpSASL                Op = 102
	OpGetEphemerals       Op = 103
	OpGetAllChildrenCount Op = 104
	OpSetWatches2         Op = 105
	OpAddWatch            Op = 106
	OpWhoAmI              Op = 107
	OpCloseSession        Op = -11
)

// opEnd ends the operations of a transaction. In an answer it marks a failed
// operation.
const opEnd Op = -1

var opNames = map[Op]string{
	OpCreate: "create", OpDelete: "delete", OpExists: "exists", OpGetData: "getData", OpSetData: "setData",
	OpGetACL: "getACL", OpSetACL: "setACL", OpGetChildren: "getChildren", OpSync: "sync", OpPing: "ping",
	OpGetChildren2: "getChildren2", OpCheck: "check", OpMulti: "multi", OpCreate2: "create2", OpReconfig: "reconfig",
	OpCheckWatches: "checkWatches", OpRemoveWatches: "removeWatches", OpCreateContainer: "createContainer",
	OpDeleteContainer: "deleteContainer", OpCreateTTL: "createTTL", OpMultiRead: "multiRead", OpAuth: "auth",
	OpSetWatches: "setWatches", OpSASL: "sasl", OpGetEphemerals: "getEphemerals",
	OpGetAllChildrenCount: "getAllChildrenNumber", OpSetWatches2: "setWatches2", OpAddWatch: "addWatch",
	OpWhoAmI: "whoAmI", OpCloseSession: "closeSession",
}

// Known reports whether the protocol has the kind.
func (o Op) Known() bool { return opNames[o] != "" }

// String returns the name that ZooKeeper gives the kind.
func (o Op) String() string {
	if n, ok := opNames[o]; ok {
		return n
	}
	return fmt.Sprintf("op(%d)", int32(o))
}

// Changes reports whether the kind is a transaction. Its answer, done or
// refused, comes only once a quorum has committed it.
func (o Op) Changes() bool {
	switch o {
	case OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL, OpDelete, OpDeleteContainer,
		OpSetData, OpSetACL, OpMulti, OpCheck, OpReconfig:
		return true
	}
	return false
}

// SetsWatches reports whether the kind sets watches again on a new connection.
func (o Op) SetsWatches() bool { return o == OpSetWatches || o == OpSetWatches2 }

// Event is the kind of a watch event.
type Event int32

// The kinds of watch events.
const (
	EventCreated         Event = 1
	EventDeleted         Event = 2
	EventDataChanged     Event = 3
	EventChildrenChanged Event = 4
)

// Known reports whether a server sends events of the kind.
func (e Event) Known() bool { return e >= EventCreated && e <= EventChildrenChanged }

// Xids that are never used for requests of a program.
const (
	XidEvent int32 = -1
	XidPing  int32 = -2
)

package zktest

import (
	"fmt"

	"github.com/docent-go/docent/internal/wire"
)

// Op is the kind of a request, by the number it has in ZooKeeper's protocol.
type Op int32

// The kinds of requests. OpConnect stands for the handshake, which carries no kind on the wire. OpCreate2 is a create that is answered
// with the node's stat as well: interceptors and counts have it as OpCreate.
const (
	OpConnect             Op = -10
	OpCloseSession        Op = -11
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
	OpCreate2             Op = 15
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
)

// String returns the name that ZooKeeper gives the kind of request.
func (o Op) String() string {
	if o == OpConnect {
		return "connect"
	}
	return wire.Op(o).String()
}

// Code is an error code of ZooKeeper's protocol, as a reply carries it.
type Code int32

// The error codes of the protocol: those the server answers with, and those a
// test may want to answer with [Fail]. There are no others.
const (
	CodeOK                       Code = 0
	CodeSystemError              Code = -1
	CodeRuntimeInconsistency     Code = -2
	CodeDataInconsistency        Code = -3
	CodeConnectionLoss           Code = -4
	CodeMarshallingError         Code = -5
	CodeUnimplemented            Code = -6
	CodeOperationTimeout         Code = -7
	CodeBadArguments             Code = -8
	CodeUnknownSession           Code = -12
	CodeNewConfigNoQuorum        Code = -13
	CodeReconfigInProgress       Code = -14
	CodeAPIError                 Code = -100
	CodeNoNode                   Code = -101
	CodeNoAuth                   Code = -102
	CodeBadVersion               Code = -103
	CodeNoChildrenForEphemerals  Code = -108
	CodeNodeExists               Code = -110
	CodeNotEmpty                 Code = -111
	CodeSessionExpired           Code = -112
	CodeInvalidCallback          Code = -113
	CodeInvalidACL               Code = -114
	CodeAuthFailed               Code = -115
	CodeSessionMoved             Code = -118
	CodeNotReadOnly              Code = -119
	CodeEphemeralOnLocalSession  Code = -120
	CodeNoWatcher                Code = -121
	CodeRequestTimeout           Code = -122
	CodeReconfigDisabled         Code = -123
	CodeSessionClosedRequireSASL Code = -124
	CodeQuotaExceeded            Code = -125
	CodeThrottledOp              Code = -127
)

// Error makes a Code usable as an error.
func (c Code) Error() string { return fmt.Sprintf("zookeeper error %d", int32(c)) }

// Stat is the metadata of a znode, as a client sees it.
type Stat struct {
	Czxid          int64 // zxid of the transaction that created the znode
	Mzxid          int64 // zxid of the last change of its data
	Ctime          int64 // creation time, milliseconds since 1970
	Mtime          int64 // time of the last change of its data
	Version        int32 // number of changes of its data
	Cversion       int32 // number of changes of its children
	Aversion       int32 // number of changes of its ACL
	EphemeralOwner int64 // the session that owns an ephemeral znode, else 0
	DataLength     int32 // length of its data
	NumChildren    int32 // number of its children
	Pzxid          int64 // zxid of the last change of its children
}

// ACL is one entry of a znode's access control list.
type ACL struct {
	Perms  int32  // read 1, write 2, create 4, delete 8, admin 16
	Scheme string // world, auth, digest, ip or sasl
	ID     string // who, in the scheme's own terms
}

// id is one identity of a connection.
type id struct{ scheme, id string }

const (
	permRead   = 1
	permWrite  = 2
	permCreate = 4
	permDelete = 8
	permAdmin  = 16
)

// stateConnected is the keeper state that every watch event carries.
const stateConnected = 3

func encodeEvent(t wire.Event, path string) []byte {
	e := newEncoder()
	e.Int32(wire.XidEvent)
	e.Int64(-1)
	e.Int32(0)
	e.Int32(int32(t))
	e.Int32(stateConnected)
	e.String(path)
	return e.Frame()
}

// newReply starts a reply; the body follows it.
func newReply(xid int32, zxid int64, code Code) *wire.Encoder {
	e := newEncoder()
	e.Int32(xid)
	e.Int64(zxid)
	e.Int32(int32(code))
	return e
}

// connectRequest is the first frame of a connection.
type connectRequest struct {
	lastZxid  int64
	timeoutMs int32
	session   int64
	passwd    []byte
	// sentReadOnly tells whether the trailing flag came: a client that does not send it does not expect it back.
	sentReadOnly bool
}

func decodeConnect(frame []byte) (connectRequest, error) {
	d := wire.NewDecoder(frame)
	d.Int32() // protocol version: there is only one
	r := connectRequest{lastZxid: d.Int64(), timeoutMs: d.Int32(), session: d.Int64(), passwd: d.Buffer()}
	if d.Err() == nil && len(d.Rest()) > 0 {
		d.Bool()
		r.sentReadOnly = true
	}
	return r, d.Err()
}

func encodeConnect(timeoutMs int32, session int64, passwd [16]byte, readOnly bool) []byte {
	e := newEncoder()
	e.Int32(0)
	e.Int32(timeoutMs)
	e.Int64(session)
	e.Buffer(passwd[:])
	if readOnly {
		e.Bool(false)
	}
	return e.Frame()
}

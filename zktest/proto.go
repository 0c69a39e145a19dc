package zktest

import (
	"fmt"

	"github.com/docent-go/docent/internal/wire"
)

// Op is the kind of a request, by the number it has in ZooKeeper's protocol.
type Op int32

// The kinds of requests. OpConnect is the handshake, which carries no kind on
// the wire. OpCreate2 is a create that is answered with the znode's stat as
// well; interceptors and counts see it as OpCreate.
const (
	OpConnect             Op = -10
	OpCloseSession        Op = Op(wire.OpCloseSession)
	OpCreate              Op = Op(wire.OpCreate)
	OpDelete              Op = Op(wire.OpDelete)
	OpExists              Op = Op(wire.OpExists)
	OpGetData             Op = Op(wire.OpGetData)
	OpSetData             Op = Op(wire.OpSetData)
	OpGetACL              Op = Op(wire.OpGetACL)
	OpSetACL              Op = Op(wire.OpSetACL)
	OpGetChildren         Op = Op(wire.OpGetChildren)
	OpSync                Op = Op(wire.OpSync)
	OpPing                Op = Op(wire.OpPing)
	OpGetChildren2        Op = Op(wire.OpGetChildren2)
	OpCheck               Op = Op(wire.OpCheck)
	OpMulti               Op = Op(wire.OpMulti)
	OpCreate2             Op = Op(wire.OpCreate2)
	OpReconfig            Op = Op(wire.OpReconfig)
	OpCheckWatches        Op = Op(wire.OpCheckWatches)
	OpRemoveWatches       Op = Op(wire.OpRemoveWatches)
	OpCreateContainer     Op = Op(wire.OpCreateContainer)
	OpDeleteContainer     Op = Op(wire.OpDeleteContainer)
	OpCreateTTL           Op = Op(wire.OpCreateTTL)
	OpMultiRead           Op = Op(wire.OpMultiRead)
	OpAuth                Op = Op(wire.OpAuth)
	OpSetWatches          Op = Op(wire.OpSetWatches)
	OpSASL                Op = Op(wire.OpSASL)
	OpGetEphemerals       Op = Op(wire.OpGetEphemerals)
	OpGetAllChildrenCount Op = Op(wire.OpGetAllChildrenCount)
	OpSetWatches2         Op = Op(wire.OpSetWatches2)
	OpAddWatch            Op = Op(wire.OpAddWatch)
	OpWhoAmI              Op = Op(wire.OpWhoAmI)
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

// The error codes of the protocol: those that the server answers with, and
// those that a test may answer with [Fail]. There are no others.
const (
	CodeOK                       Code = Code(wire.CodeOK)
	CodeSystemError              Code = Code(wire.CodeSystemError)
	CodeRuntimeInconsistency     Code = Code(wire.CodeRuntimeInconsistency)
	CodeDataInconsistency        Code = Code(wire.CodeDataInconsistency)
	CodeConnectionLoss           Code = Code(wire.CodeConnectionLoss)
	CodeMarshallingError         Code = Code(wire.CodeMarshalling)
	CodeUnimplemented            Code = Code(wire.CodeUnimplemented)
	CodeOperationTimeout         Code = Code(wire.CodeOperationTimeout)
	CodeBadArguments             Code = Code(wire.CodeBadArguments)
	CodeUnknownSession           Code = Code(wire.CodeUnknownSession)
	CodeNewConfigNoQuorum        Code = Code(wire.CodeNewConfigNoQuorum)
	CodeReconfigInProgress       Code = Code(wire.CodeReconfigInProgress)
	CodeAPIError                 Code = Code(wire.CodeAPIError)
	CodeNoNode                   Code = Code(wire.CodeNoNode)
	CodeNoAuth                   Code = Code(wire.CodeNoAuth)
	CodeBadVersion               Code = Code(wire.CodeBadVersion)
	CodeNoChildrenForEphemerals  Code = Code(wire.CodeNoChildrenForEphemerals)
	CodeNodeExists               Code = Code(wire.CodeNodeExists)
	CodeNotEmpty                 Code = Code(wire.CodeNotEmpty)
	CodeSessionExpired           Code = Code(wire.CodeSessionExpired)
	CodeInvalidCallback          Code = Code(wire.CodeInvalidCallback)
	CodeInvalidACL               Code = Code(wire.CodeInvalidACL)
	CodeAuthFailed               Code = Code(wire.CodeAuthFailed)
	CodeSessionMoved             Code = Code(wire.CodeSessionMoved)
	CodeNotReadOnly              Code = Code(wire.CodeNotReadOnly)
	CodeEphemeralOnLocalSession  Code = Code(wire.CodeEphemeralOnLocalSession)
	CodeNoWatcher                Code = Code(wire.CodeNoWatcher)
	CodeRequestTimeout           Code = Code(wire.CodeRequestTimeout)
	CodeReconfigDisabled         Code = Code(wire.CodeReconfigDisabled)
	CodeSessionClosedRequireSASL Code = Code(wire.CodeNeedsLogin)
	CodeQuotaExceeded            Code = Code(wire.CodeQuotaExceeded)
	CodeThrottledOp              Code = Code(wire.CodeThrottledOp)
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
	ID     string // the identity, in the scheme's own terms
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

// noZxid is the zxid of an event that tells no transaction.
const noZxid = -1

func encodeEvent(t wire.Event, path string, zxid int64) []byte {
	e := newEncoder()
	e.Int32(wire.XidEvent)
	e.Int64(zxid)
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
	// sentReadOnly reports whether the client sent the trailing flag. A client
	// that does not send it does not expect it in the answer.
	sentReadOnly bool
}

func decodeConnect(frame []byte) (connectRequest, error) {
	d := wire.NewDecoder(frame)
	d.Int32() // protocol version: only one exists
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

package wire

import "encoding/binary"

// RequestHeader is the size of the header of each request: xid and kind.
const RequestHeader = 8

// Request is the beginning of a request.
type Request struct {
	Xid  int32
	Op   Op
	Body []byte // shares the frame's memory
}

// ParseRequest parses a request including its length prefix. It reports false
// if the frame is too short.
func ParseRequest(frame []byte) (Request, bool) {
	if len(frame) < prefix+RequestHeader {
		return Request{}, false
	}
	d := NewDecoder(frame[prefix:])
	return Request{Xid: d.Int32(), Op: Op(d.Int32()), Body: d.Rest()}, true
}

// SetXid writes the xid into a request. The other functions here leave it at
// zero.
func SetXid(frame []byte, xid int32) { binary.BigEndian.PutUint32(frame[prefix:], uint32(xid)) }

// Size is the size of a frame as a server counts it, without the length prefix.
func Size(frame []byte) int { return len(frame) - prefix }

// helloZxid is the offset of the newest transaction in a client's first frame,
// after the length and the version of the protocol.
const helloZxid = prefix + 4

// SetHelloZxid writes the newest transaction into the first frame of a client.
// It reports false if the frame is too short.
func SetHelloZxid(frame []byte, zxid int64) bool {
	if len(frame) < helloZxid+8 {
		return false
	}
	binary.BigEndian.PutUint64(frame[helloZxid:], uint64(zxid))
	return true
}

func request(op Op, size int) *Encoder {
	e := NewEncoder(RequestHeader + size)
	e.Int32(0) // the xid, which SetXid writes
	e.Int32(int32(op))
	return e
}

// AnyVersion, as a version, makes the server check only that the znode exists.
const AnyVersion = -1

// Read reads a znode with OpExists, OpGetData or OpGetChildren2. With watch it
// sets a one-shot watch.
func Read(op Op, path string, watch bool) []byte {
	e := request(op, StringSize(path)+1)
	e.String(path)
	e.Bool(watch)
	return e.Frame()
}

// OnPath is a request with only a path: OpSync, OpGetACL, OpGetEphemerals.
func OnPath(op Op, path string) []byte {
	e := request(op, StringSize(path))
	e.String(path)
	return e.Frame()
}

// Create makes a znode with OpCreate, OpCreate2 or OpCreateContainer. Its flags
// give the kind of znode.
func Create(op Op, path string, data []byte, acl []ACL, flags int32) []byte {
	e := request(op, StringSize(path)+BufferSize(data)+ACLSize(acl)+4)
	e.create(path, data, acl, flags)
	return e.Frame()
}

// CreateTTL makes a znode that the server removes once it has had neither a
// change nor a child for ttl milliseconds.
func CreateTTL(path string, data []byte, acl []ACL, flags int32, ttl int64) []byte {
	e := request(OpCreateTTL, StringSize(path)+BufferSize(data)+ACLSize(acl)+4+8)
	e.create(path, data, acl, flags)
	e.Int64(ttl)
	return e.Frame()
}

// CreateSize is the size of a Create, without its length prefix.
func CreateSize(path string, data []byte, acl []ACL) int {
	return RequestHeader + StringSize(path) + BufferSize(data) + ACLSize(acl) + 4
}

func (e *Encoder) create(path string, data []byte, acl []ACL, flags int32) {
	e.String(path)
	e.data(data)
	e.ACL(acl)
	e.Int32(flags)
}

// data appends the data of a znode. It is never absent: a znode with absent data
// makes Curator's GroupMember and kazoo's recipes fail.
func (e *Encoder) data(b []byte) {
	if b == nil {
		b = []byte{}
	}
	e.Buffer(b)
}

// Delete removes a znode with the given version.
func Delete(path string, version int32) []byte {
	e := request(OpDelete, StringSize(path)+4)
	e.String(path)
	e.Int32(version)
	return e.Frame()
}

// SetData writes the data of a znode with the given version.
func SetData(path string, data []byte, version int32) []byte {
	e := request(OpSetData, StringSize(path)+BufferSize(data)+4)
	e.String(path)
	e.data(data)
	e.Int32(version)
	return e.Frame()
}

// SetACL replaces the access control list of a znode whose list has the given
// version.
func SetACL(path string, acl []ACL, version int32) []byte {
	e := request(OpSetACL, StringSize(path)+ACLSize(acl)+4)
	e.String(path)
	e.ACL(acl)
	e.Int32(version)
	return e.Frame()
}

// Auth presents a credential of a scheme. Servers answer it out of the order of
// the other requests.
func Auth(scheme string, data []byte) []byte {
	e := request(OpAuth, AuthHeader-RequestHeader+StringSize(scheme)+BufferSize(data))
	e.Int32(0) // a type, which servers ignore
	e.String(scheme)
	e.Buffer(data)
	return e.Frame()
}

// AuthHeader is the size of an Auth without its scheme and its data.
const AuthHeader = RequestHeader + 4

// SASL carries a token of a login.
func SASL(token []byte) []byte {
	e := request(OpSASL, BufferSize(token))
	e.Buffer(token)
	return e.Frame()
}

// WhoAmI asks for the identities of the session.
func WhoAmI() []byte { return request(OpWhoAmI, 0).Frame() }

// MultiHeader is the size of the header before each operation of a transaction,
// and at its end: kind, end flag, error code.
const MultiHeader = 9

func (e *Encoder) multiHeader(op Op, end bool) {
	e.Int32(int32(op))
	e.Bool(end)
	e.Int32(-1)
}

// Check is a transaction that checks that the znode at path exists.
func Check(path string) []byte {
	return Multi([]MultiOp{{Op: OpCheck, Path: path, Version: AnyVersion}})
}

// CheckSize is the size of a Check, without its length prefix.
func CheckSize(path string) int {
	return RequestHeader + 2*MultiHeader + StringSize(path) + 4
}

// MultiOp is one operation of a Multi or a MultiRead.
type MultiOp struct {
	Op      Op // OpCreate, OpCreate2, OpDelete, OpSetData, OpCheck; OpGetData, OpGetChildren
	Path    string
	Data    []byte
	ACL     []ACL
	Flags   int32 // of a create
	Version int32 // of a delete, a setData or a check
}

// Multi is a transaction of all the operations.
func Multi(ops []MultiOp) []byte { return multi(OpMulti, ops) }

// MultiRead reads several znodes in one request. Its operations are OpGetData
// and OpGetChildren; they set no watches.
func MultiRead(ops []MultiOp) []byte { return multi(OpMultiRead, ops) }

func multi(kind Op, ops []MultiOp) []byte {
	size := MultiHeader
	for _, op := range ops {
		size += op.Size()
	}
	e := request(kind, size)
	for _, op := range ops {
		e.multiHeader(op.Op, false)
		switch op.Op {
		case OpCreate, OpCreate2:
			e.create(op.Path, op.Data, op.ACL, op.Flags)
		case OpSetData:
			e.String(op.Path)
			e.data(op.Data)
			e.Int32(op.Version)
		case OpGetData, OpGetChildren:
			e.String(op.Path)
			e.Bool(false)
		default: // delete, check
			e.String(op.Path)
			e.Int32(op.Version)
		}
	}
	e.multiHeader(opEnd, true)
	return e.Frame()
}

// Size is the encoded size of the operation within a Multi, including its
// header.
func (op MultiOp) Size() int {
	switch op.Op {
	case OpCreate, OpCreate2:
		return MultiHeader - RequestHeader + CreateSize(op.Path, op.Data, op.ACL)
	case OpSetData:
		return MultiHeader + StringSize(op.Path) + BufferSize(op.Data) + 4
	case OpGetData, OpGetChildren:
		return MultiHeader + StringSize(op.Path) + 1
	}
	return MultiHeader + StringSize(op.Path) + 4
}

// MultiSize is the size of a Multi without its operations.
const MultiSize = RequestHeader + MultiHeader

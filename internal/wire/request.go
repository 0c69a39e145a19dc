package wire

// RequestHeader is what each request begins with: xid and kind.
const RequestHeader = 8

// Request is the beginning of a request.
type Request struct {
	Xid  int32
	Op   Op
	Body []byte // shares the frame's memory
}

// ParseRequest reads a request with its length in front. It reports false if the
// frame is too short for one.
func ParseRequest(frame []byte) (Request, bool) {
	if len(frame) < prefix+RequestHeader {
		return Request{}, false
	}
	d := NewDecoder(frame[prefix:])
	return Request{Xid: d.Int32(), Op: Op(d.Int32()), Body: d.Rest()}, true
}

// HelloZxid returns the newest transaction that a client claims to have seen, from
// its first frame, with the length in front.
func HelloZxid(frame []byte) int64 {
	if len(frame) < prefix {
		return 0
	}
	d := NewDecoder(frame[prefix:])
	d.Int32() // the version of the protocol
	return d.Int64()
}

func request(xid int32, op Op, size int) *Encoder {
	e := NewEncoder(size)
	e.Int32(xid)
	e.Int32(int32(op))
	return e
}

// MultiHeader is what stands before each operation of a transaction, and at its
// end: kind, whether it is the end, error code.
const MultiHeader = 9

func (e *Encoder) multiHeader(op Op, end bool) {
	e.Int32(int32(op))
	e.Bool(end)
	e.Int32(-1)
}

// anyVersion has a check look for the znode alone.
const anyVersion = -1

// Check is a transaction that checks that the znode at path exists.
func Check(xid int32, path string) []byte {
	e := request(xid, OpMulti, CheckSize(path))
	e.multiHeader(OpCheck, false)
	e.String(path)
	e.Int32(anyVersion)
	e.multiHeader(opEnd, true)
	return e.Frame()
}

// CheckSize is the size of a Check, without its length in front.
func CheckSize(path string) int {
	return RequestHeader + 2*MultiHeader + StringSize(path) + 4
}

// Watches are paths that a session has one-shot watches on, by their kinds.
type Watches struct{ Data, Exist, Child []string }

// SetWatchesHeader is what a SetWatches has besides its paths: the request's header,
// the zxid and the lengths of three vectors.
const SetWatchesHeader = RequestHeader + 8 + 3*4

// SetWatches sets watches again on a new connection. The server fires at once what
// has changed after the transaction zxid.
func SetWatches(zxid int64, w Watches) []byte {
	e := request(XidSetWatches, OpSetWatches, 256)
	e.Int64(zxid)
	e.Strings(w.Data)
	e.Strings(w.Exist)
	e.Strings(w.Child)
	return e.Frame()
}

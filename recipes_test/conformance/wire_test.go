package conformance

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Request types of the protocol.
const (
	opCreate           = 1
	opDelete           = 2
	opExists           = 3
	opGetData          = 4
	opSetData          = 5
	opGetACL           = 6
	opSetACL           = 7
	opGetChildren      = 8
	opSync             = 9
	opPing             = 11
	opGetChildren2     = 12
	opCheck            = 13
	opMulti            = 14
	opCreate2          = 15
	opReconfig         = 16
	opCheckWatches     = 17
	opRemoveWatches    = 18
	opCreateContainer  = 19
	opDeleteContainer  = 20
	opCreateTTL        = 21
	opMultiRead        = 22
	opAuth             = 100
	opSASL             = 102
	opGetEphemerals    = 103
	opGetAllChildren   = 104
	opSetWatches2      = 105
	opAddWatch         = 106
	opWhoAmI           = 107
	opCreateSession    = -10
	opCloseSession     = -11
	opError            = -1
	opNoSuchOperation  = 999
	xidOfPing          = -2
	xidOfEvent         = -1
	worldOpen          = "world:anyone"
	permissionsAll     = 31
	anyNodeVersion     = int32(-1)
	watchChildren      = int32(1)
	watchData          = int32(2)
	watchAny           = int32(3)
	watchPersistent    = int32(4)
	watchRecursive     = int32(5)
	modePersistent     = int32(0)
	modeRecursive      = int32(1)
	createPersistent   = int32(0)
	createEphemeral    = int32(1)
	createSequential   = int32(2)
	createEphemeralSeq = int32(3)
	createContainer    = int32(4)
	createTTL          = int32(5)
	createTTLSeq       = int32(6)
)

// body builds the body of a request.
type body []byte

func (b body) i32(n int32) body { return binary.BigEndian.AppendUint32(b, uint32(n)) }
func (b body) i64(n int64) body { return binary.BigEndian.AppendUint64(b, uint64(n)) }

func (b body) boolean(v bool) body {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func (b body) str(s string) body { return append(b.i32(int32(len(s))), s...) }

// bytes writes a buffer; nil is the protocol's null.
func (b body) bytes(p []byte) body {
	if p == nil {
		return b.i32(-1)
	}
	return append(b.i32(int32(len(p))), p...)
}

func (b body) strs(list ...string) body {
	b = b.i32(int32(len(list)))
	for _, s := range list {
		b = b.str(s)
	}
	return b
}

// acl writes a list of "scheme:id" entries with all permissions.
func (b body) acl(entries ...string) body {
	b = b.i32(int32(len(entries)))
	for _, entry := range entries {
		scheme, id, _ := strings.Cut(entry, ":")
		b = b.i32(permissionsAll).str(scheme).str(id)
	}
	return b
}

// opHeader precedes every operation of a multi.
func (b body) opHeader(op int32) body { return b.i32(op).boolean(false).i32(-1) }

// opEnd ends a multi.
func (b body) opEnd() body { return b.i32(-1).boolean(true).i32(-1) }

func createBody(path string, flags int32) body {
	return body{}.str(path).bytes([]byte("data")).acl(worldOpen).i32(flags)
}

// reading decodes a reply into text. Undecodable parts become part of the text.
type reading struct {
	rest []byte
	text []string
	norm *normal
}

// normal removes the differences between two correct servers.
type normal struct {
	base     int64            // the zxid from which zxids are counted
	sessions map[int64]string // names of session ids
}

func (n *normal) zxid(z int64) string {
	if z <= 0 {
		return fmt.Sprint(z)
	}
	return fmt.Sprintf("base%+d", z-n.base)
}

func (n *normal) session(id int64) string {
	if name, ok := n.sessions[id]; ok {
		return name
	}
	return fmt.Sprintf("unknown session %#x", id)
}

func (r *reading) add(format string, args ...any) {
	r.text = append(r.text, fmt.Sprintf(format, args...))
}

func (r *reading) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.add("CUT SHORT (%d of %d bytes)", len(r.rest), n)
		r.rest = nil
		return make([]byte, max(n, 0)&0xffff)
	}
	p := r.rest[:n]
	r.rest = r.rest[n:]
	return p
}

func (r *reading) i32() int32 { return int32(binary.BigEndian.Uint32(r.take(4))) }
func (r *reading) i64() int64 { return int64(binary.BigEndian.Uint64(r.take(8))) }

func (r *reading) bytes() (p []byte, null bool) {
	n := r.i32()
	if n < 0 {
		return nil, true
	}
	return r.take(int(n)), false
}

func (r *reading) str() string {
	p, null := r.bytes()
	if null {
		return "null"
	}
	if len(p) > 100 {
		return fmt.Sprintf("%d bytes", len(p))
	}
	return fmt.Sprintf("%q", p)
}

func (r *reading) stat() {
	czxid, mzxid := r.i64(), r.i64()
	ctime, mtime := r.i64(), r.i64()
	version, cversion, aversion := r.i32(), r.i32(), r.i32()
	owner := r.i64()
	length, children := r.i32(), r.i32()
	pzxid := r.i64()
	r.add("stat{czxid %s, mzxid %s, pzxid %s, versions %d %d %d, owner %s, length %d, children %d, modified %v}",
		r.norm.zxid(czxid), r.norm.zxid(mzxid), r.norm.zxid(pzxid), version, cversion, aversion,
		r.norm.session(owner), length, children, order(ctime, mtime))
}

// order says whether a node was modified at or after its creation. The clock's
// resolution may hide the difference.
func order(ctime, mtime int64) string {
	if mtime < ctime {
		return fmt.Sprintf("%d ms BEFORE its creation", ctime-mtime)
	}
	return "later"
}

// decode reads the body of a reply in the given shape, one letter for each
// field:
//
//	s string, b buffer, i int32, l int64, S stat, C set of strings, L list of strings in order, A access control list in any order,
//	I set of identities, M results of a multi, * anything
func (r *reading) decode(shape string) string {
	for _, field := range shape {
		switch field {
		case 's', 'b':
			r.add("%s", r.str())
		case 'i':
			r.add("%d", r.i32())
		case 'l':
			r.add("%d", r.i64())
		case 'S':
			r.stat()
		case 'C':
			r.list(true)
		case 'L':
			r.list(false)
		case 'A':
			r.acl()
		case 'I':
			r.ids()
		case 'M':
			r.multi()
		case '*':
			r.rest = nil
		default:
			r.add("NO SUCH FIELD %c", field)
		}
	}
	if len(r.rest) > 0 {
		r.add("%d bytes more: %x", len(r.rest), r.rest[:min(len(r.rest), 64)])
	}
	return strings.Join(r.text, " ")
}

func (r *reading) list(sorted bool) {
	n := int(r.i32())
	var names []string
	for range n {
		if len(r.rest) == 0 {
			break
		}
		names = append(names, r.str())
	}
	if sorted {
		r.add("%d{%s}", n, sortedText(names))
	} else {
		r.add("%d[%s]", n, strings.Join(names, " "))
	}
}

func (r *reading) acl() {
	n := int(r.i32())
	var entries []string
	for i := 0; i < n && len(r.rest) > 0; i++ {
		perms := r.i32()
		scheme := r.str()
		entries = append(entries, fmt.Sprintf("%d:%s:%s", perms, scheme, r.str()))
	}
	r.add("%d{%s}", n, sortedText(entries))
}

// ids reads a set of (scheme, id) pairs.
func (r *reading) ids() {
	n := int(r.i32())
	var ids []string
	for i := 0; i < n && len(r.rest) > 0; i++ {
		scheme := r.str()
		ids = append(ids, scheme+":"+r.str())
	}
	r.add("%d{%s}", n, sortedText(ids))
}

// multi reads the results of a transaction, each with a header before it.
func (r *reading) multi() {
	for len(r.rest) > 0 {
		kind, done, code := r.i32(), r.take(1)[0], r.i32()
		r.add("(%d %d %d)", kind, done, code)
		if done != 0 {
			return
		}
		switch kind {
		case opCreate:
			r.add("%s", r.str())
		case opCreate2, opCreateContainer, opCreateTTL:
			r.add("%s", r.str())
			r.stat()
		case opSetData:
			r.stat()
		case opError:
			r.add("error %d", r.i32())
		case opGetData:
			r.add("%s", r.str())
			r.stat()
		case opGetChildren:
			r.list(true)
		}
	}
}

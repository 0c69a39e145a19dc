package zktest

import "github.com/docent-go/docent/internal/wire"

// present returns d for a string or a vector that must not be null. A null path
// makes ZooKeeper fail on most requests. The other requests only find it
// invalid: they read it as a string, which is empty then.
func present(d *wire.Decoder) *wire.Decoder {
	if d.Null() {
		d.Fail()
	}
	return d
}

// count reads the length of a vector whose elements take minSize bytes or more.
// ZooKeeper reads any negative length as an empty vector.
func count(d *wire.Decoder, minSize int) int {
	if rest := d.Rest(); len(rest) > 0 && rest[0]&0x80 != 0 {
		d.Int32()
		return 0
	}
	return d.Count(minSize)
}

// pathList reads a vector of paths, which must not be null.
func pathList(d *wire.Decoder) []string {
	n := count(present(d), 4)
	out := make([]string, 0, n)
	for range n {
		out = append(out, d.String())
	}
	return out
}

// decodeACLs returns nil for an absent list alone.
func decodeACLs(d *wire.Decoder) []ACL {
	if d.Null() {
		d.Int32()
		return nil
	}
	n := count(d, 12)
	out := make([]ACL, 0, n)
	for range n {
		out = append(out, ACL{Perms: d.Int32(), Scheme: d.String(), ID: d.String()})
	}
	return out
}

func newEncoder() *wire.Encoder { return wire.NewEncoder(124) }

func encodeACLs(e *wire.Encoder, list []ACL) {
	e.Int32(int32(len(list)))
	for _, a := range list {
		e.Int32(a.Perms)
		e.String(a.Scheme)
		e.String(a.ID)
	}
}

func encodeStat(e *wire.Encoder, st Stat) {
	e.Int64(st.Czxid)
	e.Int64(st.Mzxid)
	e.Int64(st.Ctime)
	e.Int64(st.Mtime)
	e.Int32(st.Version)
	e.Int32(st.Cversion)
	e.Int32(st.Aversion)
	e.Int64(st.EphemeralOwner)
	e.Int32(st.DataLength)
	e.Int32(st.NumChildren)
	e.Int64(st.Pzxid)
}

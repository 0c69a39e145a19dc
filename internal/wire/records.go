package wire

// Stat is the metadata of a znode.
type Stat struct {
	Czxid          int64
	Mzxid          int64
	Ctime          int64 // milliseconds since 1970
	Mtime          int64 // milliseconds since 1970
	Version        int32
	Cversion       int32
	Aversion       int32
	EphemeralOwner int64
	DataLength     int32
	NumChildren    int32
	Pzxid          int64
}

// Stat reads a Stat. Negative lengths and numbers of children count as zero:
// readers add them up.
func (d *Decoder) Stat() Stat {
	return Stat{
		Czxid: d.Int64(), Mzxid: d.Int64(), Ctime: d.Int64(), Mtime: d.Int64(),
		Version: d.Int32(), Cversion: d.Int32(), Aversion: d.Int32(), EphemeralOwner: d.Int64(),
		DataLength: max(0, d.Int32()), NumChildren: max(0, d.Int32()), Pzxid: d.Int64(),
	}
}

// ACL is one entry of a znode's ACL.
type ACL struct {
	Perms  int32
	Scheme string
	ID     string
}

// minACL is the size of an entry with empty strings.
const minACL = 4 + 4 + 4

// ACL appends the entries of an ACL.
func (e *Encoder) ACL(acl []ACL) {
	e.Int32(int32(len(acl)))
	for _, a := range acl {
		e.Int32(a.Perms)
		e.String(a.Scheme)
		e.String(a.ID)
	}
}

// ACL reads the entries of an ACL.
func (d *Decoder) ACL() []ACL {
	n := d.Count(minACL)
	if d.skims {
		for i := 0; i < n && d.err == nil; i++ {
			d.Int32()
			d.View()
			d.View()
		}
		return nil
	}
	acl := make([]ACL, 0, n)
	for i := 0; i < n && d.err == nil; i++ {
		acl = append(acl, ACL{d.Int32(), d.String(), d.String()})
	}
	return acl
}

// ACLSize is the encoded size of the entries of an ACL.
func ACLSize(acl []ACL) int {
	size := 4
	for _, a := range acl {
		size += 4 + StringSize(a.Scheme) + StringSize(a.ID)
	}
	return size
}

// Identity is an identity of a session in a scheme.
type Identity struct{ Scheme, ID string }

// identities reads a vector of identities.
func (d *Decoder) identities() []Identity {
	n := d.Count(4 + 4)
	if d.skims {
		for i := 0; i < n && d.err == nil; i++ {
			d.View()
			d.View()
		}
		return nil
	}
	ids := make([]Identity, 0, n)
	for i := 0; i < n && d.err == nil; i++ {
		ids = append(ids, Identity{d.String(), d.String()})
	}
	return ids
}

package wire

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

var someStat = Stat{1 << 33, 2, 3, 1 << 41, -5, 6, 7, -1 << 62, 9, 10, 11}

// statOf is someStat of n bytes of data.
func statOf(n int32) Stat {
	s := someStat
	s.DataLength = n
	return s
}

// statBytes encodes a Stat as servers send it.
func statBytes(s Stat) []byte {
	return join(i64(s.Czxid), i64(s.Mzxid), i64(s.Ctime), i64(s.Mtime), i32(s.Version), i32(s.Cversion),
		i32(s.Aversion), i64(s.EphemeralOwner), i32(s.DataLength), i32(s.NumChildren), i64(s.Pzxid))
}

func stringsBytes(list []string) []byte {
	b := i32(int32(len(list)))
	for _, s := range list {
		b = append(b, str(s)...)
	}
	return b
}

func bufferBytes(b []byte) []byte {
	if b == nil {
		return i32(-1)
	}
	return str(string(b))
}

// reader is the decoder of one kind of answer. read returns the answer as one
// value; back encodes that value as a server would send it.
type reader struct {
	name string // as it is in errors
	read func(body []byte) (any, error)
	back func(any) []byte
}

type (
	made struct {
		Path string
		Stat Stat
	}
	withData struct {
		Data []byte
		Stat Stat
	}
	withNames struct {
		Names []string
		Stat  Stat
	}
	withACL struct {
		ACL  []ACL
		Stat Stat
	}
)

// mostOps is the number of operations of the transactions whose answers are
// read here.
const mostOps = 8

var (
	createdReader = reader{"a create",
		func(b []byte) (any, error) { p, s, err := Created(OpCreate2, b); return made{p, s}, err },
		func(v any) []byte { m := v.(made); return join(str(m.Path), statBytes(m.Stat)) }}
	createdOldReader = reader{"a create",
		func(b []byte) (any, error) { p, s, err := Created(OpCreate, b); return made{p, s}, err },
		func(v any) []byte { return str(v.(made).Path) }}
	statReader = reader{"a request for a stat",
		func(b []byte) (any, error) { s, err := StatOf(b); return s, err },
		func(v any) []byte { return statBytes(v.(Stat)) }}
	dataReader = reader{"getData",
		func(b []byte) (any, error) { d, s, err := DataOf(b); return withData{d, s}, err },
		func(v any) []byte { d := v.(withData); return join(bufferBytes(d.Data), statBytes(d.Stat)) }}
	childrenReader = reader{"getChildren2",
		func(b []byte) (any, error) { n, s, err := ChildrenOf(b); return withNames{n, s}, err },
		func(v any) []byte { n := v.(withNames); return join(stringsBytes(n.Names), statBytes(n.Stat)) }}
	pathsReader = reader{"getEphemerals",
		func(b []byte) (any, error) { paths, err := PathsOf(b); return paths, err },
		func(v any) []byte { return stringsBytes(v.([]string)) }}
	aclReader = reader{"getACL",
		func(b []byte) (any, error) { a, s, err := ACLOf(b); return withACL{a, s}, err },
		func(v any) []byte {
			a := v.(withACL)
			b := i32(int32(len(a.ACL)))
			for _, e := range a.ACL {
				b = join(b, i32(e.Perms), str(e.Scheme), str(e.ID))
			}
			return join(b, statBytes(a.Stat))
		}}
	tokenReader = reader{"a SASL token",
		func(b []byte) (any, error) { token, err := TokenOf(b); return token, err },
		func(v any) []byte { return bufferBytes(v.([]byte)) }}
	identitiesReader = reader{"whoAmI",
		func(b []byte) (any, error) { ids, err := IdentitiesOf(b); return ids, err },
		func(v any) []byte {
			ids := v.([]Identity)
			b := i32(int32(len(ids)))
			for _, id := range ids {
				b = join(b, str(id.Scheme), str(id.ID))
			}
			return b
		}}
	resultsReader = reader{"a transaction",
		func(b []byte) (any, error) { r, err := ResultsOf(b, mostOps); return r, err },
		func(v any) []byte { return resultsBytes(v.([]Result)) }}
)

func resultsBytes(results []Result) []byte {
	var b []byte
	for _, r := range results {
		b = join(b, i32(int32(r.Op)), []byte{0}, i32(int32(r.Code)))
		switch r.Op {
		case opEnd:
			b = join(b, i32(int32(r.Code)))
		case OpCreate:
			b = join(b, str(r.Path))
		case OpCreate2:
			b = join(b, str(r.Path), statBytes(r.Stat))
		case OpSetData:
			b = join(b, statBytes(r.Stat))
		case OpGetData:
			b = join(b, bufferBytes(r.Data), statBytes(r.Stat))
		case OpGetChildren:
			b = join(b, stringsBytes(r.Children))
		}
	}
	return join(b, i32(-1), []byte{1}, i32(-1))
}

// answers lists, for each reader, the values that it must read.
var answers = map[*reader][]any{
	&createdReader:    {made{"/a0000000001", someStat}, made{Path: "/"}},
	&createdOldReader: {made{"/a0000000001", Stat{}}},
	&statReader:       {someStat, Stat{}},
	&dataReader:       {withData{[]byte("data"), statOf(4)}, withData{nil, statOf(0)}, withData{[]byte{}, statOf(0)}},
	&childrenReader:   {withNames{[]string{"a", "x.y", "ä"}, someStat}, withNames{[]string{}, someStat}},
	&aclReader:        {withACL{someACL, someStat}, withACL{[]ACL{}, someStat}},
	&tokenReader:      {[]byte("token"), []byte{}, []byte(nil)},
	&pathsReader:      {[]string{"/a", "/b/c"}, []string{}},
	&identitiesReader: {[]Identity{{"ip", "127.0.0.1"}, {"digest", ""}}, []Identity{}},
	&resultsReader: {
		[]Result{},
		[]Result{{Op: OpCreate, Path: "/a"}, {Op: OpCreate2, Path: "/b", Stat: someStat}, {Op: OpSetData, Stat: someStat}, {Op: OpDelete}, {Op: OpCheck}},
		[]Result{{Op: opEnd}, {Op: opEnd, Code: CodeNoNode}, {Op: opEnd, Code: -2}},
		[]Result{{Op: OpGetData, Data: []byte("x"), Stat: statOf(1)}, {Op: OpGetChildren, Children: []string{"a", "b"}}, {Op: opEnd, Code: CodeNoAuth}},
	},
}

func TestAnswers(t *testing.T) {
	for r, all := range answers {
		for _, want := range all {
			body := r.back(want)
			got, err := r.read(body)
			require.NoError(t, err, r.name)
			require.Equal(t, want, got, r.name)
			got, err = r.read(append(body, "what a later version has more to tell"...))
			require.NoError(t, err, r.name)
			require.Equal(t, want, got, r.name)
		}
	}
}

// A truncated answer is an error that names the answer. No missing field gets a
// value.
func TestAnswersThatAreCutOff(t *testing.T) {
	for r, all := range answers {
		for _, want := range all {
			body := r.back(want)
			for n := range body {
				_, err := r.read(body[:n:n])
				require.ErrorIs(t, err, ErrMalformed, "%s, %d of %d bytes", r.name, n, len(body))
				require.ErrorContains(t, err, "the server's answer to "+r.name)
			}
		}
	}
}

// A null vector reads as an empty one.
func TestNullVectors(t *testing.T) {
	names, stat, err := ChildrenOf(join(i32(-1), statBytes(someStat)))
	require.NoError(t, err)
	require.Empty(t, names)
	require.Equal(t, someStat, stat)
	acl, _, err := ACLOf(join(i32(-1), statBytes(someStat)))
	require.NoError(t, err)
	require.Empty(t, acl)
	ids, err := IdentitiesOf(i32(-1))
	require.NoError(t, err)
	require.Empty(t, ids)
}

// A length is accepted only if the record has room for it. A false length
// allocates nothing.
func TestAnswersWithLengthsThatLie(t *testing.T) {
	rest := make([]byte, 200)
	for _, lie := range []int32{201, 1 << 20, 1<<31 - 1, -2, -1 << 31} {
		for _, c := range []struct {
			r    *reader
			body []byte
		}{
			{&createdReader, join(i32(lie), rest)},
			{&createdOldReader, join(i32(lie), rest)},
			{&dataReader, join(i32(lie), rest)},
			{&childrenReader, join(i32(lie), rest)},
			{&childrenReader, join(i32(1), i32(lie), rest)},
			{&aclReader, join(i32(lie), rest)},
			{&aclReader, join(i32(1), i32(31), i32(lie), rest)},
			{&tokenReader, join(i32(lie), rest)},
			{&pathsReader, join(i32(lie), rest)},
			{&identitiesReader, join(i32(lie), rest)},
			{&identitiesReader, join(i32(1), str("ip"), i32(lie), rest)},
			{&resultsReader, join(i32(int32(OpCreate)), []byte{0}, i32(0), i32(lie), rest)},
			{&resultsReader, join(i32(int32(OpGetData)), []byte{0}, i32(0), i32(lie), rest)},
			{&resultsReader, join(i32(int32(OpGetChildren)), []byte{0}, i32(0), i32(lie), rest)},
			{&resultsReader, join(i32(int32(OpGetChildren)), []byte{0}, i32(0), i32(1), i32(lie), rest)},
		} {
			bounded(t, c.body, func() {
				_, err := c.r.read(c.body)
				require.ErrorIs(t, err, ErrMalformed, "%s, length %d", c.r.name, lie)
			})
		}
	}
	// A vector with as many elements as there are bytes: each element takes
	// more than one.
	for _, r := range []*reader{&childrenReader, &pathsReader, &aclReader, &identitiesReader} {
		_, err := r.read(join(i32(200), rest))
		require.ErrorIs(t, err, ErrMalformed, r.name)
	}
}

// A server cannot answer operations that it was not sent. An answer of many
// small results does not take much memory.
func TestMoreResultsThanOperations(t *testing.T) {
	body := resultsBytes([]Result{{Op: OpDelete}, {Op: OpCheck}, {Op: OpDelete}})
	results, err := ResultsOf(body, 3)
	require.NoError(t, err)
	require.Len(t, results, 3)
	_, err = ResultsOf(body, 2)
	require.ErrorContains(t, err, "the server's answer to a transaction of 2 operations")

	endless := bytes.Repeat(join(i32(int32(OpDelete)), []byte{0}, i32(0)), 10_000)
	bounded(t, endless[:1000], func() {
		_, err := ResultsOf(endless, 1)
		require.ErrorContains(t, err, "the server's answer to a transaction")
	})
}

func TestResultsOfUnknownKind(t *testing.T) {
	_, err := ResultsOf(join(i32(4711), []byte{0}, i32(0)), 1)
	require.ErrorContains(t, err, "the server's answer to a transaction has a result of kind 4711")
}

func TestFirstFailure(t *testing.T) {
	at, code := FirstFailure([]Result{{Op: opEnd}, {Op: opEnd, Code: CodeNoNode}, {Op: opEnd, Code: -2}})
	require.Equal(t, 1, at)
	require.Equal(t, CodeNoNode, code)
	at, code = FirstFailure([]Result{{Op: OpCheck}, {Op: OpDelete}})
	require.Zero(t, at)
	require.Equal(t, CodeOK, code)
	_, code = FirstFailure(nil)
	require.Equal(t, CodeOK, code)
}

// bounded runs a decoder on an input, and requires that its allocation is
// proportional to the input. Other goroutines of the test may allocate
// meanwhile: the minimum of a few runs counts.
func bounded(t *testing.T, input []byte, f func()) {
	t.Helper()
	limit := uint64(8*len(input) + 4096) // an error quotes the beginning of a name
	var took uint64
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		if took = after.TotalAlloc - before.TotalAlloc; took <= limit {
			return
		}
	}
	t.Fatalf("%d bytes are allocated for %d", took, len(input))
}

// fuzz runs a decoder on any input. A decoded value is a part of the input, and
// decodes again from its own encoding.
func (r reader) fuzz(f *testing.F) {
	for other, all := range answers {
		if other.name != r.name {
			continue
		}
		for _, v := range all {
			body := r.back(v)
			f.Add(body)
			f.Add(body[:len(body)-1])
		}
	}
	f.Add(i32(1 << 30))
	f.Add(i32(-1))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		var v any
		var err error
		bounded(t, b, func() { v, err = r.read(b) })
		if !bytes.Equal(before, b) {
			t.Fatal("the input has been written to")
		}
		if err != nil {
			return
		}
		again, err := r.read(r.back(v))
		if err != nil || !reflect.DeepEqual(v, again) {
			t.Fatalf("%+v became %+v (%v)", v, again, err)
		}
	})
}

func FuzzCreated(f *testing.F)      { createdReader.fuzz(f) }
func FuzzCreatedOld(f *testing.F)   { createdOldReader.fuzz(f) }
func FuzzStatOf(f *testing.F)       { statReader.fuzz(f) }
func FuzzDataOf(f *testing.F)       { dataReader.fuzz(f) }
func FuzzChildrenOf(f *testing.F)   { childrenReader.fuzz(f) }
func FuzzPathsOf(f *testing.F)      { pathsReader.fuzz(f) }
func FuzzACLOf(f *testing.F)        { aclReader.fuzz(f) }
func FuzzTokenOf(f *testing.F)      { tokenReader.fuzz(f) }
func FuzzIdentitiesOf(f *testing.F) { identitiesReader.fuzz(f) }
func FuzzResultsOf(f *testing.F)    { resultsReader.fuzz(f) }

func FuzzRecords(f *testing.F) {
	f.Add(append(i32(31), str("world")...), byte(0))
	f.Add(statBytes(someStat), byte(1))
	f.Fuzz(func(t *testing.T, b []byte, which byte) {
		d := NewDecoder(b)
		bounded(t, b, func() {
			*d = Decoder{buf: b}
			switch which % 3 {
			case 0:
				d.ACL()
			case 1:
				d.Stat()
			default:
				if v := d.View(); len(v) > 0 && binary.BigEndian.Uint32(b) != uint32(len(v)) {
					t.Fatal("a view that is not the buffer")
				}
			}
		})
		if d.Err() != nil && len(b) > 4+68 && which%3 == 1 {
			t.Fatal("a whole Stat is refused")
		}
	})
}

package queue

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

func unhex(t *testing.T, s string) []byte {
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// The bytes that Curator writes.
func TestFrame(t *testing.T) {
	require.Equal(t, unhex(t, "000100010100000002616202"), frame([]byte("ab")))
	two := unhex(t, "000100010100000001610100000003"+"62636402")
	require.Equal(t, two, frame([]byte("a"), []byte("bcd")))
	payloads, err := unframe(append(two, "whatever follows"...))
	require.NoError(t, err)
	require.Equal(t, [][]byte{[]byte("a"), []byte("bcd")}, payloads)
	for _, bad := range []string{
		"", "00", "00010002", "00010001", "0001000102", "0001000103", "000100010100", "000100010100000002" + "61",
		"0001000101ffffffff", "000100010100000001" + "61", "0001000101000000016103",
	} {
		_, err := unframe(unhex(t, bad))
		require.Error(t, err, bad)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(frame([]byte("ab")))
	f.Add(frame(nil, []byte("a")))
	f.Add([]byte{0, 1, 0, 1, 1, 0x7f, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		payloads, err := unframe(data)
		if err != nil {
			return
		}
		if len(payloads) == 0 {
			t.Fatal("neither payloads nor an error")
		}
		if again := frame(payloads...); !bytes.HasPrefix(data, again) {
			t.Fatalf("%x reads as what is written as %x", data, again)
		}
	})
}

// Whatever a dead letter holds, it is shown, and the item's data is kept.
func FuzzLetter(f *testing.F) {
	for _, data := range []string{"", "\n", `{"reason":"r","attempts":1,"put":5}` + "\ndata", `{"reason":"\xff","put":1e400}` + "\n\n", "[[[["} {
		f.Add("queue-0000000001.2f", []byte(data))
	}
	f.Fuzz(func(t *testing.T, id string, data []byte) {
		q := New(nil, "/q")
		if _, ok := q.itemOf(id); !ok {
			return
		}
		l := q.openLetter(id, &core.Sighting{Data: data})
		if l.ID != id || !bytes.HasSuffix(data, l.Data) || l.Malformed && l.Reason == "" && !bytes.Equal(l.Data, data) {
			t.Fatalf("%q: %+v", data, l)
		}
	})
}

// The names that Curator and kazoo write.
func TestNames(t *testing.T) {
	due := int64(0x18BCFE56800)
	for text, want := range map[string]name{
		"queue-0000000007":                            {seq: 7},
		"queue--000000005":                            {seq: -5},
		"queue--2147483648":                           {seq: math.MinInt32},
		"queue-1000000050000000000":                   {priority: 5, prioritized: true},
		"queue-0FFFFFFFB0000000001":                   {priority: -5, prioritized: true, seq: 1},
		"queue-17FFFFFFF-2147483648":                  {priority: math.MaxInt32, prioritized: true, seq: math.MinInt32},
		"queue-|18BCFE56800|0000000000":               {due: due},
		"queue-|18BCFE56800|1000000050000000009":      {due: due, priority: 5, prioritized: true, seq: 9},
		"queue-|FFFFFFFFFFFFFFFF|0000000001":          {seq: 1}, // put for a time before 1970
		"queue-|8000000000000000|0000000001":          {seq: 1},
		"queue-|7FFFFFFFFFFFFFFF|0800000000000000003": {due: math.MaxInt64, priority: math.MinInt32, prioritized: true, seq: 3},
		"queue-|000000001234|-000000009":              {due: 0x1234, seq: -9},
	} {
		n, ok := parseCurator(text)
		require.True(t, ok, text)
		want.text = text
		require.Equal(t, want, n)
	}
	require.Equal(t, "queue-|18BCFE56800|1000000050000000009", curatorPrefix(name{due: due, priority: 5, prioritized: true})+"0000000009")
	require.Equal(t, "queue-0FFFFFFFB", curatorPrefix(name{priority: -5, prioritized: true}))
	require.Equal(t, "queue-|000000FF|", curatorPrefix(name{due: 255}))
	for _, text := range []string{
		"", "queue-", "queue-1", "queue-00000000070", "queue-|id|0000000001", "queue-|18BCFE56800", "queue-||0000000001",
		"queue-|-1|0000000001", "queue-2000000050000000000", "queue-1FFFFFFFB0000000001", "queue-0000000050000000000",
		"queue-e1f6c1f0-5d5f-4a1e-9a3c-7a2a1ad5cf0f", "Queue-0000000001", "qn-0000000001",
		"queue-1_00000050000000000", "_c_x-queue-0000000001", "queue--0000000000",
	} {
		_, ok := parseCurator(text)
		require.False(t, ok, text)
	}

	n, ok := parseKazoo("entry-100-0000000003")
	require.True(t, ok)
	require.Equal(t, name{text: "entry-100-0000000003", seq: 3, priority: 100, prioritized: true}, n)
	require.Equal(t, "entry-100-", kazooPrefix(name{}))
	require.Equal(t, "entry-007-", kazooPrefix(n.with(7)))
	for _, text := range []string{"", "entry-", "entry-10-0000000003", "entry-+10-0000000003", "entry-100-3", "xentry-100-0000000003"} {
		_, ok := parseKazoo(text)
		require.False(t, ok, text)
	}
	n, ok = parseSimple("qn-0000000003")
	require.True(t, ok)
	require.Equal(t, znode.Seq(3), n.seq)
	for _, text := range []string{"", "qn-", "qn-qn-0000000003", "qn-3", "x-qn-0000000003"} {
		_, ok := parseSimple(text)
		require.False(t, ok, text)
	}
}

func (n name) with(priority int32) name {
	n.priority, n.prioritized = priority, true
	return n
}

// A name that is parsed and written again is parsed as the same name.
func FuzzNames(f *testing.F) {
	for _, text := range []string{"queue-0000000007", "queue-|18BCFE56800|1000000050000000009", "entry-100-0000000003", "qn-0000000003"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, format := range []Format{Curator, SimpleQueue, KazooQueue} {
			l, err := format.layout()
			if err != nil {
				t.Fatal(err)
			}
			n, ok := l.parse(text)
			if !ok {
				continue
			}
			again := l.prefix(n) + string(n.id())
			m, ok := l.parse(again)
			m.text = n.text
			if !ok || m != n {
				t.Fatalf("%q reads as %+v, is written as %q, and that reads as %+v", text, n, again, m)
			}
		}
	})
}

func TestDueAt(t *testing.T) {
	ms, err := dueAt(time.Unix(0, 1))
	require.NoError(t, err)
	require.Equal(t, int64(1), ms)
	ms, err = dueAt(later(time.Now(), math.MaxInt64))
	require.NoError(t, err)
	require.Positive(t, ms)
	_, err = dueAt(time.Unix(-1, 0))
	require.Error(t, err)
}

// The order is the order of the puts, wherever the numbers wrap.
func TestOrder(t *testing.T) {
	for round := range 200 {
		start := znode.Seq(rand.Uint32())
		if round < 50 {
			start = -100 // where the numbers go from below zero to above
		}
		var put []name
		for i := range 50 {
			n := name{seq: start + znode.Seq(i*(1+rand.IntN(100))), priority: int32(rand.IntN(3) - 1)}
			n.text = fmt.Sprint(i)
			put = append(put, n)
		}
		slices.SortStableFunc(put, func(a, b name) int { return int(uint32(a.seq-start)) - int(uint32(b.seq-start)) })
		want := slices.Clone(put)
		slices.SortStableFunc(want, func(a, b name) int { return int(a.priority) - int(b.priority) })
		rand.Shuffle(len(put), func(i, j int) { put[i], put[j] = put[j], put[i] })
		first := oldest(put)
		slices.SortFunc(put, func(a, b name) int { return before(a, b, first) })
		for i := range put {
			require.Equal(t, want[i].seq, put[i].seq)
			require.Equal(t, want[i].priority, put[i].priority)
		}
	}
}

// A watch that is given up while a list begins stays fired: it reports no later
// event, so the next list needs another watch.
func TestChangesGivenUpStayFired(t *testing.T) {
	c := &changes{done: make(chan struct{})}
	require.True(t, c.again())
	c.stopped = true
	c.fire()
	require.False(t, c.again())
	require.True(t, fired(c))
}

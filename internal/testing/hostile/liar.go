package hostile

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/docent-go/docent/internal/wire"
	"github.com/docent-go/docent/zktest"
)

// Liar is a server whose answers have the right form and a false content: lists
// with more or fewer names, stats that go back, numbers at their limits, data
// that another program might have written, refusals without a reason, events of
// nothing. It lies at random, by its seed.
type Liar struct {
	mu     sync.Mutex
	dice   *rand.Rand
	chance float64
	honest bool
	paths  []string // of requests' answers, for events
}

// NewLiar returns a Liar that lies in the given part of its answers.
func NewLiar(seed uint64, chance float64) *Liar {
	return &Liar{dice: rand.New(rand.NewPCG(seed, 1)), chance: chance}
}

// Repent makes all further answers honest.
func (l *Liar) Repent() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.honest = true
}

// React is the reaction of Between.
func (l *Liar) React(f Frame) Reaction {
	l.mu.Lock()
	defer l.mu.Unlock()
	truth := Reaction{Bytes: f.Bytes}
	r, err := wire.ParseReply(f.Bytes)
	switch f.Op {
	case zktest.OpConnect, zktest.OpPing, zktest.OpCloseSession, zktest.OpSASL, zktest.OpAuth, 0:
		return truth
	}
	if err != nil || l.honest || l.dice.Float64() >= l.chance {
		return truth
	}
	var before []byte
	if len(l.paths) > 0 && l.dice.IntN(4) == 0 {
		before = event(int32(1+l.dice.IntN(4)), pick(l.dice, l.paths))
	}
	switch n := l.dice.IntN(100); {
	case n < 2:
		return Reaction{}
	case n < 4:
		return Reaction{HangUp: true}
	case n < 30:
		return Reaction{Bytes: append(before, reply(r, pick(l.dice, codes), nil)...)}
	case r.Code != wire.CodeOK:
		return Reaction{Bytes: append(before, f.Bytes...)}
	}
	body, ok := l.body(wire.Op(f.Op), r.Body)
	if !ok {
		return truth
	}
	return Reaction{Bytes: append(before, reply(r, 0, body)...)}
}

// codes are the refusals, and an answer without a meaning.
var codes = []wire.Code{-101, -101, -102, -103, -108, -110, -111, -4, -6, -8, -114, -122, -125, -127, -9999, 17}

func pick[T any](dice *rand.Rand, list []T) T { return list[dice.IntN(len(list))] }

// reply is the frame of a reply with an encoded body.
func reply(r wire.Reply, code wire.Code, body []byte) []byte {
	e := wire.NewEncoder(12)
	e.Int32(r.Xid)
	e.Int64(r.Zxid)
	e.Int32(int32(code))
	out := append(e.Frame(), body...)
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out
}

func event(kind int32, path string) []byte {
	e := wire.NewEncoder(64)
	e.Int32(wire.XidEvent)
	e.Int64(-1)
	e.Int32(0)
	e.Int32(kind)
	e.Int32(3)
	e.String(path)
	return e.Frame()
}

// body returns a false body of an answer without an error.
func (l *Liar) body(op wire.Op, body []byte) ([]byte, bool) {
	e := wire.NewEncoder(len(body))
	switch op {
	case wire.OpCreate, wire.OpCreate2, wire.OpCreateContainer, wire.OpCreateTTL:
		path, stat, err := wire.Created(op, body)
		if err != nil {
			return nil, false
		}
		l.created(e, op, path, stat)
	case wire.OpExists, wire.OpSetData:
		stat, err := wire.StatOf(body)
		if err != nil {
			return nil, false
		}
		putStat(e, l.stat(stat))
	case wire.OpGetData:
		data, stat, err := wire.DataOf(body)
		if err != nil {
			return nil, false
		}
		e.Buffer(l.data(data))
		putStat(e, l.stat(stat))
	case wire.OpGetChildren2:
		names, stat, err := wire.ChildrenOf(body)
		if err != nil {
			return nil, false
		}
		e.Strings(l.names(names))
		putStat(e, l.stat(stat))
	case wire.OpMulti, wire.OpMultiRead:
		results, err := wire.ResultsOf(body, math.MaxInt32)
		if err != nil {
			return nil, false
		}
		l.results(e, op, results)
	default:
		return nil, false
	}
	return e.Frame()[4:], true
}

func (l *Liar) created(e *wire.Encoder, op wire.Op, path string, stat wire.Stat) {
	l.paths = append(l.paths, path)
	if l.dice.IntN(2) == 0 {
		path = l.numbered(path)
	}
	e.String(path)
	if op != wire.OpCreate {
		putStat(e, l.stat(stat))
	}
}

func (l *Liar) results(e *wire.Encoder, op wire.Op, results []wire.Result) {
	refused := -1
	if op == wire.OpMulti && l.dice.IntN(2) == 0 {
		refused = l.dice.IntN(len(results))
	}
	for i, r := range results {
		code := wire.CodeOK
		switch {
		case i == refused:
			code = pick(l.dice, codes)
		case refused >= 0 && i > refused:
			code = wire.CodeRuntimeInconsistency
		case op == wire.OpMultiRead && l.dice.IntN(3) == 0:
			code = pick(l.dice, codes)
		}
		if refused >= 0 || code != wire.CodeOK || r.Op == -1 {
			putHeader(e, -1, false, code)
			e.Int32(int32(code))
			continue
		}
		putHeader(e, r.Op, false, 0)
		switch r.Op {
		case wire.OpCreate, wire.OpCreate2:
			l.created(e, r.Op, r.Path, r.Stat)
		case wire.OpSetData:
			putStat(e, l.stat(r.Stat))
		case wire.OpGetData:
			e.Buffer(l.data(r.Data))
			putStat(e, l.stat(r.Stat))
		case wire.OpGetChildren:
			e.Strings(l.names(r.Children))
		}
	}
	putHeader(e, -1, true, -1)
}

// numbers are sequence numbers at the limits of what a name can have.
var numbers = []string{"0000000000", "0000000001", "2147483647", "2147483648", "4294967296", "9999999999", "-2147483648", "-000000001", "00000000000000000007", "9223372036854775807"}

// numbered gives a name with a number at its end another number.
func (l *Liar) numbered(name string) string {
	stem := strings.TrimRight(name, "0123456789")
	if len(name)-len(stem) != 10 {
		return name
	}
	return stem + pick(l.dice, numbers)
}

// strange are names that no recipe gives, and that look like some.
var strange = []string{
	"x", "..x", "_c_", "_c_-", "_c_00000000-0000-0000-0000-000000000000-", "_c_00000000-0000-0000-0000-000000000000-lock-0000000000",
	"lock-", "lock-0000000000", "latch-9999999999", "lease--2147483648", "__READ__0000000001", "__WRIT__-000000001", "item-0000000000", "queue-", "ready",
	"member-0", "0", "-1", "99999999999999999999", "\u202e", "ä", "%2e%2e", "limit", "locks", "leases", "providers", ".history",
}

func (l *Liar) names(names []string) []string {
	names = slices.Clone(names)
	for range 1 + l.dice.IntN(3) {
		switch l.dice.IntN(7) {
		case 0:
			names = append(names, pick(l.dice, strange))
		case 1:
			for range 200 {
				names = append(names, pick(l.dice, strange)+pick(l.dice, numbers))
			}
		case 2:
			if len(names) > 0 {
				names = slices.Delete(names, 0, 1+l.dice.IntN(len(names)))
			}
		case 3:
			if len(names) > 0 {
				names = append(names, pick(l.dice, names))
			}
		case 4:
			if len(names) > 0 {
				names = append(names, l.numbered(pick(l.dice, names)))
			}
		case 5:
			l.dice.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		case 6:
			names = append(names, strings.Repeat("n", 2000))
		}
	}
	return names
}

func (l *Liar) data(data []byte) []byte {
	switch l.dice.IntN(6) {
	case 0:
		return nil
	case 1:
		return []byte{}
	case 2:
		return data[:l.dice.IntN(len(data)+1)]
	case 3:
		out := make([]byte, l.dice.IntN(40))
		for i := range out {
			out[i] = byte(l.dice.Uint32())
		}
		return out
	case 4:
		return []byte(pick(l.dice, texts))
	}
	return bytes.Repeat(data, 3)
}

// texts are data that other programs might write.
var texts = []string{"null", "[]", "{}", `{"`, "0", "-1", "1e400", "99999999999999999999", "\x80\x00\x00\x00\x00\x00\x00\x00", "\x7f\xff\xff\xff", `""`, `{"id":null}`, "\xef\xbb\xbf{}", "__REVOKE__"}

// stat changes some fields of a stat.
func (l *Liar) stat(s wire.Stat) wire.Stat {
	long := func(v *int64) { *v = pick(l.dice, []int64{0, 1, -1, *v - 1, *v + 1, math.MinInt64, math.MaxInt64}) }
	short := func(v *int32) { *v = pick(l.dice, []int32{0, 1, -1, *v - 1, *v + 1, math.MinInt32, math.MaxInt32}) }
	for range l.dice.IntN(4) {
		switch l.dice.IntN(11) {
		case 0:
			long(&s.Czxid)
		case 1:
			long(&s.Mzxid)
		case 2:
			long(&s.Ctime)
		case 3:
			long(&s.Mtime)
		case 4:
			short(&s.Version)
		case 5:
			short(&s.Cversion)
		case 6:
			short(&s.Aversion)
		case 7:
			long(&s.EphemeralOwner)
		case 8:
			short(&s.DataLength)
		case 9:
			short(&s.NumChildren)
		case 10:
			long(&s.Pzxid)
		}
	}
	return s
}

func putStat(e *wire.Encoder, s wire.Stat) {
	for _, v := range []int64{s.Czxid, s.Mzxid, s.Ctime, s.Mtime} {
		e.Int64(v)
	}
	for _, v := range []int32{s.Version, s.Cversion, s.Aversion} {
		e.Int32(v)
	}
	e.Int64(s.EphemeralOwner)
	e.Int32(s.DataLength)
	e.Int32(s.NumChildren)
	e.Int64(s.Pzxid)
}

// Listing is the answer to getChildren2 with an encoded list of names.
func Listing(r wire.Reply, names []byte, stat wire.Stat) []byte {
	e := wire.NewEncoder(68)
	putStat(e, stat)
	return reply(r, wire.CodeOK, slices.Concat(names, e.Frame()[4:]))
}

// Listings is the answer to a multiRead whose lists are all the encoded list.
func Listings(r wire.Reply, results []wire.Result, names []byte) []byte {
	var body []byte
	for _, result := range results {
		e := wire.NewEncoder(0)
		putHeader(e, result.Op, false, result.Code)
		switch result.Op {
		case wire.OpGetData:
			e.Buffer(result.Data)
			putStat(e, result.Stat)
		case wire.OpGetChildren:
			body = slices.Concat(body, e.Frame()[4:], names)
			continue
		default:
			e.Int32(int32(result.Code))
		}
		body = append(body, e.Frame()[4:]...)
	}
	e := wire.NewEncoder(0)
	putHeader(e, -1, true, -1)
	return reply(r, wire.CodeOK, append(body, e.Frame()[4:]...))
}

// putHeader is the header of a result of a transaction.
func putHeader(e *wire.Encoder, op wire.Op, end bool, code wire.Code) {
	e.Int32(int32(op))
	e.Bool(end)
	e.Int32(int32(code))
}

//go:build unix

package differential

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/recipes_test/peers"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// patience is the maximum wait for an event that must happen. A test of 100,000
// values takes minutes.
const patience = 20 * time.Minute

// place is a session on a server in the process, and a path on it.
type place struct {
	*session.Manager
	addr string
	ctx  context.Context
	path string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	addr, err := zktest.New(t).Listen("127.0.0.1:0")
	require.NoError(t, err)
	sm := ensemble.Dial(t, time.Minute, session.Config{Servers: []string{addr}, Timeout: 30 * time.Second})
	p := &place{sm, addr, ensemble.Within(t, patience), "/value"}
	_, err = sm.Create(p.ctx, p.path, nil, session.Persistent)
	require.NoError(t, err)
	return p
}

// hold writes the data of the znode.
func (p *place) hold(t *testing.T, data []byte) {
	t.Helper()
	_, err := p.Set(p.ctx, p.path, data, -1)
	require.NoError(t, err)
}

// number reads a number as text.
type number func(ctx context.Context) (string, error)

func (p *place) counter(f counter.Format) number {
	c := counter.New(p.Manager, p.path, counter.Layout(f))
	return func(ctx context.Context) (string, error) {
		v, err := c.Get(ctx)
		return strconv.FormatInt(v.N, 10), err
	}
}

func (p *place) limit() number {
	s := lock.NewSemaphore(p.Manager, "/semaphore", lock.SharedLimit(p.path, 1))
	return func(ctx context.Context) (string, error) {
		n, err := s.Limit(ctx)
		return strconv.Itoa(n), err
	}
}

// numberBytes makes the data of a counter's znode.
func (d dice) numberBytes() []byte {
	n := pick(d, 0, 1, -1, 258, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64, int64(d.Uint64()), int64(int32(d.Uint32())), d.Int64N(1000))
	switch d.IntN(10) {
	case 0, 1, 2:
		return binary.BigEndian.AppendUint64(nil, uint64(n))
	case 3, 4:
		return binary.BigEndian.AppendUint32(nil, uint32(int32(n)))
	case 5:
		return d.bytes(16)
	case 6:
		return d.mutate(binary.BigEndian.AppendUint64(nil, uint64(n)))
	case 7: // what other recipes write
		return []byte(pick(d, "", "", "10.0.0.1", "127.0.0.1", "::1", "{}", "ready", `{"id":"a","host":"h","pid":1}`, "__REVOKE__", "\x00\x01\x00\x01\x02"))
	}
	return d.digits()
}

// digits makes a number as kazoo and others write it.
func (d dice) digits() []byte {
	text := pick(d, "0", "1", "258", "-7", "+5", "007", "1_000", "12_34_5", "_1", "1_", "1__0", "-_1", "- 1", "3.5", "1e3", "0x10", "nan", "inf", "5L", "٣", "1 2", "", "-", "+",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "99999999999999999999999", strconv.FormatInt(int64(d.Uint64()), 10))
	blank := func() string {
		return pick(d, "", "", "", " ", "\t", "\n", "\r\n", "\v", "\f", "\x1c", "\x1f", "\x00", "\x85", "\u00a0", "\u2003")
	}
	value := []byte(blank() + text + blank())
	if d.in(8) {
		value = d.mutate(value)
	}
	return value
}

// A peer's layout of a number, and Docent's reading of it.
func TestNumber(t *testing.T) {
	p := newPlace(t)
	java, python := curator(t), kazoo(t)
	for name, c := range map[string]struct {
		peer   *peers.Reader
		layout string
		make   func(dice) []byte
		ours   number
	}{
		"DistributedAtomicLong":            {java, "long", dice.numberBytes, p.counter(counter.Int64)},
		"DistributedAtomicInteger":         {java, "int", dice.numberBytes, p.counter(counter.Int32)},
		"SharedCount":                      {java, "count", dice.numberBytes, p.counter(counter.Int32)},
		"SharedCount as the limit":         {java, "count", dice.numberBytes, p.limit()},
		"kazoo's Counter, support_curator": {python, "count", dice.numberBytes, p.counter(counter.Int32)},
		"kazoo's Counter":                  {python, "number", dice.digits, p.counter(counter.Decimal)},
		"kazoo's Counter of fractions":     {python, "fraction", dice.digits, p.counter(counter.Decimal)},
	} {
		t.Run(name, func(t *testing.T) {
			d, tally := throw(t), newTally(t)
			for done := 0; done < amount(t); done += atOnce {
				values := make([][]byte, min(atOnce, amount(t)-done))
				for i := range values {
					values[i] = c.make(d)
				}
				for i, theirs := range c.peer.Ask(t, c.layout, values...) {
					p.hold(t, values[i])
					ours, err := c.ours(p.ctx)
					tally.count(compareNumber(c.layout, values[i], theirs, ours, err), values[i])
				}
			}
			tally.needs()
			require.NotZero(t, tally.rejected)
		})
	}
}

func compareNumber(layout string, value []byte, theirs peers.Answer, ours string, err error) outcome {
	o := outcome{what: fmt.Sprintf("the peer: %q, Docent: %s, %v", theirs.Text, ours, err)}
	switch {
	case theirs.Refused && err != nil:
		o.rejected = true
	case theirs.Refused:
		if layout == "count" && len(value) == 0 {
			o.explained = "empty SharedCount"
		}
	case err != nil && layout == "number" && strings.Contains(err.Error(), "of 64 bits"):
		if digits := strings.Trim(theirs.Text, "-"); len(digits) >= 19 {
			o.explained = "beyond 64 bits"
		}
	case err != nil && layout == "fraction":
		o.explained = "fraction"
	case err != nil && len(value) > 4:
		o.explained = "longer than a number"
	case layout == "fraction":
		a, errA := strconv.ParseFloat(theirs.Text, 64)
		b, errB := strconv.ParseFloat(ours, 64)
		o.alike = errA == nil && errB == nil && a == b
	default:
		o.alike = theirs.Text == ours
	}
	return o
}

// What Docent writes the peer reads, and the peer would write the same.
func TestNumberBack(t *testing.T) {
	p := newPlace(t)
	java, python := curator(t), kazoo(t)
	for name, c := range map[string]struct {
		peer         *peers.Reader
		layout, back string
		f            counter.Format
		small, pack  bool
	}{
		"DistributedAtomicLong":            {peer: java, layout: "long", back: "long as bytes", f: counter.Int64},
		"DistributedAtomicInteger":         {peer: java, layout: "int", back: "int as bytes", f: counter.Int32, small: true},
		"SharedCount":                      {peer: java, layout: "count", back: "count as bytes", f: counter.Int32, small: true},
		"kazoo's Counter, support_curator": {peer: python, layout: "count", back: "count plus nothing", f: counter.Int32, small: true, pack: true},
		"kazoo's Counter":                  {peer: python, layout: "number", back: "number plus nothing", f: counter.Decimal, pack: true},
	} {
		t.Run(name, func(t *testing.T) {
			d, tally := throw(t), newTally(t)
			ours := counter.New(p.Manager, p.path, counter.Layout(c.f))
			for done := 0; done < amount(t); done += atOnce {
				var texts, values, questions [][]byte
				for range min(atOnce, amount(t)-done) {
					n := int64(d.Uint64()) >> d.IntN(64)
					if c.small {
						n = int64(int32(n))
					}
					p.hold(t, nil)
					require.NoError(t, ours.Set(p.ctx, n))
					data, _, err := p.Get(p.ctx, p.path)
					require.NoError(t, err)
					texts, values, questions = append(texts, strconv.AppendInt(nil, n, 10)), append(values, data), append(questions, data)
					if !c.pack {
						questions[len(questions)-1] = texts[len(texts)-1]
					}
				}
				written := c.peer.Ask(t, c.back, questions...)
				for i, theirs := range c.peer.Ask(t, c.layout, values...) {
					tally.count(outcome{
						alike: theirs.Text == string(texts[i]) && written[i].Text == hex.EncodeToString(values[i]),
						what:  fmt.Sprintf("meant %s, read %s, written by the peer as %s", texts[i], theirs.Text, written[i].Text),
					}, values[i])
				}
			}
		})
	}
}

// Curator can compress a value. Docent rejects each such value, and says why.
func TestCompressed(t *testing.T) {
	p := newPlace(t)
	java, d := curator(t), throw(t)
	values := make([][]byte, 200)
	for i := range values {
		values[i] = pick(d, d.numberBytes(), d.instanceJSON(), d.frame())
	}
	for i, zipped := range java.Ask(t, "gzip", values...) {
		data, err := hex.DecodeString(zipped.Text)
		require.NoError(t, err)
		p.hold(t, data)
		for _, f := range []counter.Format{counter.Int64, counter.Int32, counter.Decimal} {
			_, err := p.counter(f)(p.ctx)
			require.ErrorIs(t, err, session.ErrForeign, "%x compressed", values[i])
		}
	}
}

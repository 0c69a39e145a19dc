package conformance

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/docent-go/docent/session"
)

// outcome is the result of a step on one side.
type outcome struct {
	err   error
	parts []part
}

// part is a piece of an outcome: text that must be equal, or a stat that must
// correspond.
type part struct {
	name string
	text string
	stat *session.Stat
}

func (o *outcome) add(name, format string, args ...any) {
	o.parts = append(o.parts, part{name: name, text: fmt.Sprintf(format, args...)})
}

func (o *outcome) addStat(name string, stat *session.Stat) {
	o.parts = append(o.parts, part{name: name, stat: stat})
}

// dataText keeps nil and empty apart, as the protocol does.
func dataText(data []byte) string {
	if data == nil {
		return "nil"
	}
	return fmt.Sprintf("%q", data)
}

// aclText sorts the entries: the entries of the scheme "auth" come in the order
// of a Java hash table.
func aclText(acl []session.ACL) string {
	var texts []string
	for _, a := range acl {
		texts = append(texts, fmt.Sprintf("%d:%s:%s", a.Perms, a.Scheme, a.ID))
	}
	return sortedText(texts)
}

func sortedText(names []string) string {
	names = append([]string(nil), names...)
	sort.Strings(names)
	return strings.Join(names, " ")
}

// bearings relate two worlds that have different session ids, zxids and clocks.
type bearings struct {
	owners [2]map[int64]string // session id → the session's name
	pairs  map[[2]int64]bool   // zxids that correspond
	times  [2]map[int64]int64  // zxid → time of the transaction
	began  time.Time
}

func newBearings() *bearings {
	return &bearings{
		owners: [2]map[int64]string{{0: "nobody"}, {0: "nobody"}},
		pairs:  map[[2]int64]bool{{0, 0}: true},
		times:  [2]map[int64]int64{{}, {}},
		began:  time.Now(),
	}
}

func (b *bearings) owner(side int, id int64) string {
	if name, ok := b.owners[side][id]; ok {
		return name
	}
	return fmt.Sprintf("unknown session %#x", id)
}

// compare returns the differences, or "". The first outcome is the reference's.
func (b *bearings) compare(want, got outcome) string {
	if fmt.Sprint(want.err) != fmt.Sprint(got.err) {
		return fmt.Sprintf("error: want %v, got %v", want.err, got.err)
	}
	if len(want.parts) != len(got.parts) {
		return fmt.Sprintf("want %d parts, got %d", len(want.parts), len(got.parts))
	}
	for i, w := range want.parts {
		g := got.parts[i]
		if w.name != g.name || (w.stat == nil) != (g.stat == nil) {
			return fmt.Sprintf("want %s, got %s", w.name, g.name)
		}
		if w.text != g.text {
			return fmt.Sprintf("%s: want %s, got %s", w.name, w.text, g.text)
		}
		if w.stat != nil {
			if d := b.compareStats(w.stat, g.stat); d != "" {
				return w.name + ": " + d
			}
		}
	}
	return ""
}

func (b *bearings) compareStats(want, got *session.Stat) string {
	numbers := []struct {
		name      string
		want, got int32
	}{
		{"version", want.Version, got.Version},
		{"cversion", want.Cversion, got.Cversion},
		{"aversion", want.Aversion, got.Aversion},
		{"dataLength", want.DataLength, got.DataLength},
		{"numChildren", want.NumChildren, got.NumChildren},
	}
	for _, n := range numbers {
		if n.want != n.got {
			return fmt.Sprintf("%s: want %d, got %d", n.name, n.want, n.got)
		}
	}
	if w, g := b.owner(0, want.EphemeralOwner), b.owner(1, got.EphemeralOwner); w != g {
		return fmt.Sprintf("ephemeralOwner: want %s, got %s", w, g)
	}
	zxids := []struct {
		name      string
		want, got int64
	}{
		{"czxid", want.Czxid, got.Czxid},
		{"mzxid", want.Mzxid, got.Mzxid},
		{"pzxid", want.Pzxid, got.Pzxid},
	}
	for _, z := range zxids {
		if d := b.correspond(z.want, z.got); d != "" {
			return z.name + ": " + d
		}
	}
	for i, s := range []*session.Stat{want, got} {
		if d := b.checkTimes(i, s); d != "" {
			return fmt.Sprintf("side %d: %s", i, d)
		}
	}
	return ""
}

// correspond checks that two zxids have the same place in the histories of
// their worlds. They are a known pair, or they have the same order relative to
// every known pair.
func (b *bearings) correspond(want, got int64) string {
	if b.pairs[[2]int64{want, got}] {
		return ""
	}
	for p := range b.pairs {
		if (p[0] < want) != (p[1] < got) || (p[0] > want) != (p[1] > got) {
			return fmt.Sprintf("%#x and %#x are not in the same place: %#x and %#x were one transaction", want, got, p[0], p[1])
		}
	}
	b.pairs[[2]int64{want, got}] = true
	return ""
}

// checkTimes checks that each transaction has one time, and that no later
// transaction has an earlier time.
func (b *bearings) checkTimes(side int, s *session.Stat) string {
	for _, at := range []struct{ zxid, ms int64 }{{s.Czxid, s.Ctime}, {s.Mzxid, s.Mtime}} {
		if off := time.Since(time.UnixMilli(at.ms)); off < -time.Second || off > time.Since(b.began)+time.Minute {
			return fmt.Sprintf("time of %#x is %v ago", at.zxid, off)
		}
		for zxid, ms := range b.times[side] {
			if (zxid < at.zxid && ms > at.ms) || (zxid > at.zxid && ms < at.ms) || (zxid == at.zxid && ms != at.ms) {
				return fmt.Sprintf("transaction %#x at %d, %#x at %d", zxid, ms, at.zxid, at.ms)
			}
		}
		b.times[side][at.zxid] = at.ms
	}
	return ""
}

package queue

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/base/stamp"
	"github.com/docent-go/docent/internal/base/znode"
)

// ID identifies an item of a queue. It is the sequence number that the server
// gave to the item's znode. It stays the same through every redelivery. It is
// unique among the items of a queue at any time. The numbers begin again after
// the directory of an empty queue has been removed.
type ID string

// name is a parsed name of an item's znode.
type name struct {
	text        string
	seq         znode.Seq
	priority    int32
	prioritized bool  // whether the name carries the priority
	due         int64 // in milliseconds since 1970; 0: at once
}

func (n name) id() ID { return ID(fmt.Sprintf("%010d", int32(n.seq))) }

// dueTime returns when the item may be taken, or the zero time.
func (n name) dueTime() time.Time {
	if n.due == 0 {
		return time.Time{}
	}
	return stamp.Millis(n.due)
}

// Names of Curator's queues.
//
//	queue-<seq>                       DistributedQueue
//	queue-<priority><seq>             DistributedPriorityQueue
//	queue-|<due>|<seq>                DistributedDelayQueue
//	queue-|<due>|<priority><seq>      both: DistributedDelayQueue reads it
const (
	curatorTag = "queue-"
	curatorBar = "|"
)

func parseCurator(text string) (name, bool) {
	n := name{text: text}
	rest, ok := strings.CutPrefix(text, curatorTag)
	if !ok {
		return name{}, false
	}
	if delayed, ok := strings.CutPrefix(rest, curatorBar); ok {
		hex, tail, ok := strings.Cut(delayed, curatorBar)
		due, err := strconv.ParseUint(hex, 16, 64)
		if !ok || err != nil {
			return name{}, false
		}
		// A time before 1970 has the form of a great number. The item is due at
		// once, as for Curator.
		n.due, rest = max(int64(due), 0), tail
	}
	switch len(rest) {
	case 10, 11:
	case 19, 20:
		p, err := strconv.ParseUint(rest[1:9], 16, 32)
		n.priority, n.prioritized = int32(uint32(p)), true
		if err != nil || rest[0] != '0' && rest[0] != '1' || (rest[0] == '1') != (n.priority >= 0) {
			return name{}, false
		}
		rest = rest[9:]
	default:
		return name{}, false
	}
	n.seq, ok = znode.ParseSeq(mark+rest, mark)
	return n, ok
}

// mark replaces the tag for znode.ParseSeq before a number without one.
const mark = "#"

// curatorPrefix writes the name up to the sequence number.
func curatorPrefix(n name) string {
	var b strings.Builder
	b.WriteString(curatorTag)
	if n.due != 0 {
		fmt.Fprintf(&b, "%s%08X%s", curatorBar, n.due, curatorBar)
	}
	if n.prioritized {
		sign := '1'
		if n.priority < 0 {
			sign = '0'
		}
		fmt.Fprintf(&b, "%c%08X", sign, uint32(n.priority))
	}
	return b.String()
}

// Names of the queue in ZooKeeper's own distribution, which Curator calls
// SimpleDistributedQueue: qn-<seq>.
const simpleTag = "qn-"

func parseSimple(text string) (name, bool) {
	if !strings.HasPrefix(text, simpleTag) {
		return name{}, false
	}
	seq, ok := znode.ParseSeq(text, simpleTag)
	return name{text: text, seq: seq}, ok && strings.LastIndex(text, simpleTag) == 0
}

func simplePrefix(name) string { return simpleTag }

// Names of kazoo's queues: entry-<priority>-<seq>, with three digits.
const (
	kazooTag      = "entry-"
	kazooPriority = 100 // the default
	kazooMax      = 999
)

func parseKazoo(text string) (name, bool) {
	rest, ok := strings.CutPrefix(text, kazooTag)
	if !ok || len(rest) < 4 || rest[3] != '-' {
		return name{}, false
	}
	p, err := strconv.ParseUint(rest[:3], 10, 16)
	if err != nil {
		return name{}, false
	}
	seq, ok := znode.ParseSeq(mark+rest[4:], mark)
	return name{text: text, seq: seq, priority: int32(p), prioritized: true}, ok
}

func kazooPrefix(n name) string {
	if !n.prioritized {
		n.priority = kazooPriority
	}
	return fmt.Sprintf("%s%03d-", kazooTag, n.priority)
}

// dueAt converts a time to the form in names: whole milliseconds, rounded up,
// by the wall clock. It must lie in the years 1970 to 9999.
func dueAt(t time.Time) (int64, error) {
	if year := t.UTC().Year(); year < 1970 || year > 9999 {
		return 0, fmt.Errorf("the item would be due in the year %d: it must be from 1970 to 9999", year)
	}
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms, nil
}

// later returns now plus d, with d bounded so that the sum does not overflow.
func later(now time.Time, d time.Duration) time.Time {
	if d > math.MaxInt64-time.Hour {
		d = math.MaxInt64 - time.Hour
	}
	return now.Add(d)
}

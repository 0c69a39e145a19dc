package recognise

import (
	"strconv"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/base/stamp"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
)

// ItemName is a parsed name of a queue item.
type ItemName struct {
	Due    time.Time // zero if the name has none
	Layout ItemLayout

	head, seq string // the name up to the sequence number, and the number
}

// ItemLayout is the layout of item names.
type ItemLayout int

// The layouts of items. ZooKeeper's own queue is Plain.
const (
	Curator ItemLayout = iota
	Plain
	Kazoo
)

// seqMark is put before a number without a tag.
const seqMark = "#"

// ParseItem parses the item names of Curator's queues, which Docent writes too,
// of ZooKeeper's own queue, and of kazoo's:
//
//	queue-<seq>   queue-<priority><seq>   queue-|<due, or an id>|<either>
//	qn-<seq>      entry-<priority>-<seq>
func ParseItem(name string) (ItemName, bool) {
	i := ItemName{Layout: Curator}
	rest, ok := strings.CutPrefix(name, "queue-")
	switch {
	case ok:
		if bars, found := strings.CutPrefix(rest, "|"); found {
			at := strings.LastIndex(bars, "|")
			if at < 0 {
				return ItemName{}, false
			}
			if ms, err := strconv.ParseInt(bars[:at], 16, 64); err == nil {
				i.Due = stamp.Millis(ms)
			}
			rest = bars[at+1:]
		}
		if len(rest) >= 19 {
			if _, err := strconv.ParseUint(rest[1:9], 16, 32); err != nil || rest[0] != '0' && rest[0] != '1' {
				return ItemName{}, false
			}
			rest = rest[9:]
		}
	case strings.HasPrefix(name, "qn-"):
		i.Layout, rest = Plain, name[len("qn-"):]
	case strings.HasPrefix(name, "entry-"):
		i.Layout, rest = Kazoo, name[len("entry-"):]
		priority, seq, found := strings.Cut(rest, "-")
		if _, err := strconv.ParseUint(priority, 10, 16); !found || err != nil {
			return ItemName{}, false
		}
		rest = seq
	}
	if _, ok := znode.ParseSeq(seqMark+rest, seqMark); !ok || rest == name {
		return ItemName{}, false
	}
	i.head, i.seq = name[:len(name)-len(rest)], rest
	return i, true
}

func isItem(name string) bool {
	_, ok := ParseItem(name)
	return ok
}

// isLetter reports whether the name is a dead letter's in Docent's layout: the
// name of an item and the zxid that made it.
func isLetter(name string) bool {
	at := strings.LastIndex(name, ".")
	if at < 0 || !isItem(name[:at]) {
		return false
	}
	_, err := strconv.ParseUint(name[at+1:], 16, 64)
	return err == nil
}

// Oldest returns the item that was put first, whatever its priority.
func Oldest(names []string) string {
	marked := make([]string, 0, len(names))
	for _, name := range names {
		if i, ok := ParseItem(name); ok {
			marked = append(marked, i.head+seqMark+i.seq)
		}
	}
	first := waitqueue.InOrder(marked, []string{seqMark})[0].Name
	at := strings.LastIndex(first, seqMark)
	return first[:at] + first[at+len(seqMark):]
}

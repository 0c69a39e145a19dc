package inspect

import (
	"strconv"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/znode"
)

// item is what the name of a queue's item tells.
type item struct {
	head, seq string // the name up to the sequence number, and that
	due       time.Time
	layout    Layout
}

// seqMark stands in for a tag before a number that has none.
const seqMark = "#"

// parseItem reads the names of Curator's queues, which Docent writes too, of
// ZooKeeper's own queue, and of kazoo's:
//
//	queue-<seq>   queue-<priority><seq>   queue-|<due, or an id>|<either>
//	qn-<seq>      entry-<priority>-<seq>
func parseItem(name string) (item, bool) {
	i := item{layout: Curator}
	rest, ok := strings.CutPrefix(name, "queue-")
	switch {
	case ok:
		if bars, found := strings.CutPrefix(rest, "|"); found {
			at := strings.LastIndex(bars, "|")
			if at < 0 {
				return item{}, false
			}
			if ms, err := strconv.ParseInt(bars[:at], 16, 64); err == nil {
				i.due = time.UnixMilli(ms)
			}
			rest = bars[at+1:]
		}
		if len(rest) >= 19 {
			if _, err := strconv.ParseUint(rest[1:9], 16, 32); err != nil || rest[0] != '0' && rest[0] != '1' {
				return item{}, false
			}
			rest = rest[9:]
		}
	case strings.HasPrefix(name, "qn-"):
		i.layout, rest = Generic, name[len("qn-"):]
	case strings.HasPrefix(name, "entry-"):
		i.layout, rest = Kazoo, name[len("entry-"):]
		priority, seq, found := strings.Cut(rest, "-")
		if _, err := strconv.ParseUint(priority, 10, 16); !found || err != nil {
			return item{}, false
		}
		rest = seq
	}
	if _, ok := znode.ParseSeq(seqMark+rest, seqMark); !ok || rest == name {
		return item{}, false
	}
	i.head, i.seq = name[:len(name)-len(rest)], rest
	return i, true
}

func isItem(name string) bool {
	_, ok := parseItem(name)
	return ok
}

// isLetter recognises a dead letter of Docent's: the name of an item and the
// zxid that made it.
func isLetter(name string) bool {
	at := strings.LastIndex(name, ".")
	if at < 0 || !isItem(name[:at]) {
		return false
	}
	_, err := strconv.ParseUint(name[at+1:], 16, 64)
	return err == nil
}

// oldestItem returns the item that was put first, whatever its priority.
func oldestItem(names []string) string {
	marked := make([]string, 0, len(names))
	for _, name := range names {
		if i, ok := parseItem(name); ok {
			marked = append(marked, i.head+seqMark+i.seq)
		}
	}
	first := line.InOrder(marked, []string{seqMark})[0].Name
	at := strings.LastIndex(first, seqMark)
	return first[:at] + first[at+len(seqMark):]
}

package mirror

import (
	"slices"
	"time"

	"github.com/docent-go/docent/internal/core"
)

// sighting is what one read has seen of the node.
type sighting struct {
	exists   bool
	data     []byte
	children []string
	stat     core.Stat
}

// zxid returns the transaction that made what was seen what it is. Versions do
// not order anything: they wrap, and start anew when a node is re-created.
func (s *sighting) zxid(kind Kind) int64 {
	if kind == Children {
		return s.stat.Pzxid
	}
	return s.stat.Mzxid
}

// past is what has been believed so far.
//
// Within one session reads never go back: a server that knows less than the
// session has already seen refuses the client. So within a session the order
// of the reads is the order of what they saw, and that holds for the absence
// of the node too, which has no zxid. A new session may begin on a server that
// lags behind. There a read is believed when it has a later zxid than
// anything before, or shows the same again. Anything else is doubtful: a node
// that is missing, an older value, a value that was deleted. Then the server
// has to catch up with its leader (Sync) before it is asked again; its answer
// to that is believed, except for a value that is still older.
type past struct {
	seen *sighting     // the newest; nil before the first
	zxid int64         // of the newest in which the node existed
	in   *core.Session // in which the newest was seen
	back setback
}

type verdict int

const (
	same     verdict = iota // nothing has changed
	newer                   // this is what holds now
	doubtful                // it may be older than what is known
)

// judge compares a sighting in the session with what was believed before.
// synced says that the server had caught up before it was asked.
func (p *past) judge(kind Kind, in *core.Session, s *sighting, synced bool) verdict {
	switch old := p.seen; {
	case old == nil:
		return newer
	case !s.exists && !old.exists:
		return same
	case !s.exists:
		if in == p.in || synced {
			return newer
		}
		return doubtful
	case old.exists && s.zxid(kind) == p.zxid:
		if s.sameAs(old, kind) {
			return same
		}
		return newer // one transaction with two outcomes: another history
	case !old.exists && in == p.in:
		return newer // the node was made after it had been missing
	case s.zxid(kind) > p.zxid:
		return newer
	}
	return doubtful
}

// sameAs compares two sightings with the same zxid. They differ only where the
// server has been given another history.
func (s *sighting) sameAs(old *sighting, kind Kind) bool {
	if kind == Children {
		return s.stat.Czxid == old.stat.Czxid && slices.Equal(s.children, old.children)
	}
	return s.stat.Czxid == old.stat.Czxid && s.stat.Mtime == old.stat.Mtime && s.stat.Version == old.stat.Version
}

// believe makes s what is known.
func (p *past) believe(kind Kind, in *core.Session, s *sighting) {
	p.seen, p.in, p.back = s, in, setback{}
	if s.exists {
		p.zxid = s.zxid(kind)
	}
}

// setback is the time since when history seems to have gone back, in one
// session. The zero value says that it has not.
type setback struct {
	at time.Time
	in *core.Session
}

// historyLost reports whether a value that stays older, although its server
// has caught up, has to be believed in the end. Either the servers were wiped
// or restored from a backup, and then there will be nothing newer; or a leader
// that was cut off from the others answers without knowing it. Such a leader
// steps down within the time that sessions are given, so that is how long the
// older value is refused.
func (b *setback) historyLost(in *core.Session) bool {
	if b.in != in { // a server that was asked long ago says nothing about this one
		b.at, b.in = time.Now(), in
	}
	return time.Since(b.at) >= in.Timeout()
}

package views

import (
	"slices"
	"time"

	"github.com/docent-go/docent/internal/core"
)

// sighting is the result of one read of the node.
type sighting struct {
	exists   bool
	data     []byte
	children []string
	stat     core.Stat
}

// zxid returns the transaction of the last change that the read shows. Versions
// do not order states: they wrap, and start again when a node is re-created.
func (s *sighting) zxid(kind Kind) int64 {
	if kind == Children {
		return s.stat.Pzxid
	}
	return s.stat.Mzxid
}

// past is what the view has believed so far.
//
// Within one session, reads never go back: a server refuses a client that has
// seen more than the server knows. So within a session, the order of the reads
// is also the order of what they show. That includes the absence of the node,
// which has no zxid. A new session may begin on a server that lags behind.
// There a read is believed if it has a later zxid than all earlier reads, or
// shows the same again. Any other read is doubtful: a missing node, an older
// value, a value that was deleted. Then the server has to catch up with its
// leader (Sync) and is read again. The second read is believed, unless it shows
// a value that is still older.
type past struct {
	seen *sighting     // the newest; nil before the first
	zxid int64         // of the newest sighting in which the node existed
	in   *core.Session // the session of the newest sighting
	back setback
}

type verdict int

const (
	same     verdict = iota // nothing has changed
	newer                   // this is the present state
	doubtful                // it may be older than the believed state
)

// judge compares a sighting with the believed state. synced says that the
// server had caught up before the read.
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
		return newer // the node was created after it had been missing
	case s.zxid(kind) > p.zxid:
		return newer
	}
	return doubtful
}

// sameAs compares two sightings with the same zxid. They differ only if the
// server was given another history.
func (s *sighting) sameAs(old *sighting, kind Kind) bool {
	if kind == Children {
		return s.stat.Czxid == old.stat.Czxid && slices.Equal(s.children, old.children)
	}
	return s.stat.Czxid == old.stat.Czxid && s.stat.Mtime == old.stat.Mtime && s.stat.Version == old.stat.Version
}

// believe makes s the believed state.
func (p *past) believe(kind Kind, in *core.Session, s *sighting) {
	p.seen, p.in, p.back = s, in, setback{}
	if s.exists {
		p.zxid = s.zxid(kind)
	}
}

// setback is the time since when history seems to have gone back, in one
// session. The zero value says that history has not gone back.
type setback struct {
	at time.Time
	in *core.Session
}

// historyLost reports whether to believe a value that stays older although its
// server has caught up. There are two possible reasons. The servers were wiped
// or restored from a backup: then no newer value will come. Or a leader that is
// cut off from the others answers without noticing it: then it steps down
// within the session timeout. So the older value is refused for that long.
func (b *setback) historyLost(in *core.Session) bool {
	if b.in != in { // the setback of an earlier session says nothing about this server
		b.at, b.in = time.Now(), in
	}
	return time.Since(b.at) >= in.Timeout()
}

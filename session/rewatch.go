package session

import (
	"encoding/binary"
	"sync"

	"github.com/docent-go/docent/internal/wire"
)

// The client's own watches are of no use to us: it cannot take one back, keeps
// a channel for every read that set one, and after a reconnection tells the
// server up to which change it knows by a number that it reads without a lock
// while another of its goroutines may move it on. A change that was made during
// the disconnection could then be taken for seen, and its event be lost.
//
// So the client is never asked to watch. A read that is to leave a watch
// carries watchMark at the end of its path; conn takes the mark off and sets
// the watch flag on the way out. The events arrive by the client's callback all
// the same. What was set is kept in armedWatches, and conn sends it again after
// each reconnection of the session, before anything else is sent.

// watchMark ends the path of a read that is to leave a watch. It is a character
// of private use that the client lets through and znode.Validate refuses, so no
// real path ends with it.
const watchMark = "\ue0d0"

// takeMark returns the frame of a marked read as the server is to see it.
func takeMark(frame []byte, req request) []byte {
	end := 16 + len(req.path) // prefix, xid, operation, length of the path
	out := make([]byte, 0, len(frame)-len(watchMark))
	out = append(out, frame[:end]...)
	out = append(out, 1) // the watch flag, which ends the frame
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	binary.BigEndian.PutUint32(out[12:], uint32(len(req.path)))
	return out
}

// armedWatches are the watches that the server keeps for the session. They
// outlive a connection: the next one sets them again.
type armedWatches struct {
	mu   sync.Mutex
	kept map[armedWatch]struct{}
}

type armedWatch struct {
	path string
	kind wire.Op // the operation that would set it, with exists for a missing node
}

// set notes the watch that a read has left, going by the reply's code.
func (w *armedWatches) set(req request, code wire.Code) {
	kind := req.op
	switch {
	case code == 0 && req.op == wire.OpExists:
		kind = wire.OpGetData // the node is there: its data and its deletion are watched
	case code == 0:
	case code == wire.CodeNoNode && req.op == wire.OpExists:
	default:
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.kept == nil {
		w.kept = make(map[armedWatch]struct{})
	}
	w.kept[armedWatch{req.path, kind}] = struct{}{}
}

// fired drops the watches that an event uses up.
func (w *armedWatches) fired(event wire.Event, path string) {
	var kinds []wire.Op
	switch event {
	case wire.EventCreated, wire.EventDataChanged:
		kinds = []wire.Op{wire.OpExists, wire.OpGetData}
	case wire.EventChildrenChanged:
		kinds = []wire.Op{wire.OpGetChildren2}
	case wire.EventDeleted:
		kinds = []wire.Op{wire.OpExists, wire.OpGetData, wire.OpGetChildren2}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, kind := range kinds {
		delete(w.kept, armedWatch{path, kind})
	}
}

// maxRewatch bounds a request that sets watches again, however large the
// requests are that the server is configured to take: the configuration of this
// Manager may not know of a lower limit.
const maxRewatch = 16 << 10

// frames returns the requests that set all watches again, each at most limit
// bytes long, without its prefix, unless a single watch needs more. The server
// fires at once what has changed after the transaction zxid.
func (w *armedWatches) frames(zxid int64, limit int) [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	var frames [][]byte
	var again wire.Watches
	size := wire.SetWatchesHeader
	flush := func() {
		if size > wire.SetWatchesHeader {
			frames = append(frames, wire.SetWatches(zxid, again))
			again, size = wire.Watches{}, wire.SetWatchesHeader
		}
	}
	for watch := range w.kept {
		n := wire.StringSize(watch.path)
		if size+n > limit {
			flush()
		}
		size += n
		list := &again.Data
		switch watch.kind {
		case wire.OpExists:
			list = &again.Exist
		case wire.OpGetChildren2:
			list = &again.Child
		}
		*list = append(*list, watch.path)
	}
	flush()
	return frames
}

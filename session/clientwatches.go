package session

import "sync"

// clientWatches follows which watches the client underneath believes to be
// set. It decides just as the client does, on the same frames in the same
// order, so that conn can know whether the client will send them again after a
// reconnection.
type clientWatches struct {
	mu   sync.Mutex
	kept map[clientWatch]struct{}
}

type clientWatch struct {
	path string
	kind int32 // the operation that would set it, with opExists for a missing node
}

// set notes the watch that a read has left, going by the reply's code.
func (w *clientWatches) set(req request, code int32) {
	kind := req.op
	switch {
	case code == 0 && req.op == opExists:
		kind = opGetData // the node is there: the client files it as a data watch
	case code == 0:
	case code == codeNoNode && req.op == opExists:
	default:
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.kept == nil {
		w.kept = make(map[clientWatch]struct{})
	}
	w.kept[clientWatch{req.path, kind}] = struct{}{}
}

// fired drops the watches that an event uses up.
func (w *clientWatches) fired(event int32, path string) {
	var kinds []int32
	switch event {
	case eventCreated:
		kinds = []int32{opExists}
	case eventData:
		kinds = []int32{opExists, opGetData}
	case eventChildren:
		kinds = []int32{opGetChildren2}
	case eventDeleted:
		kinds = []int32{opExists, opGetData, opGetChildren2}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, kind := range kinds {
		delete(w.kept, clientWatch{path, kind})
	}
}

func (w *clientWatches) empty() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.kept) == 0
}

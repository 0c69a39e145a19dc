package session

import (
	"bytes"
	"encoding/binary"

	"github.com/docent-go/docent/internal/wire"
)

// xidProbe and below are the xids of the probes, which the client does not know
// of.
const xidProbe = -10

// request is what matters of a frame that the client sends.
type request struct {
	xid   int32
	op    wire.Op
	path  string
	watch bool
}

// parseRequest reads a frame with its prefix. The path is read only where it
// is needed: in creates, and in reads that are marked to leave a watch.
func parseRequest(frame []byte) (request, bool) {
	sent, ok := wire.ParseRequest(frame)
	if !ok {
		return request{}, false
	}
	r := request{xid: sent.Xid, op: sent.Op}
	d := wire.NewDecoder(sent.Body)
	switch r.op {
	case wire.OpCreate:
		r.path = d.String()
	case wire.OpExists, wire.OpGetData, wire.OpGetChildren2:
		path := []byte(d.String())
		if len(d.Rest()) == 1 && bytes.HasSuffix(path, []byte(watchMark)) {
			r.path, r.watch = string(path[:len(path)-len(watchMark)]), true
		}
	}
	return r, true
}

// withStat returns the frame of a create as a create2, which is the same but for
// the operation, and which is answered with the node's stat behind its path.
// The client takes the path and leaves the rest.
func withStat(frame []byte) []byte {
	out := bytes.Clone(frame)
	binary.BigEndian.PutUint32(out[8:], uint32(wire.OpCreate2))
	return out
}

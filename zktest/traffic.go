package zktest

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/wire"
)

// traffic counts the packets of a connection, or of all connections.
type traffic struct{ received, sent atomic.Int64 }

func (t *traffic) reset() {
	t.received.Store(0)
	t.sent.Store(0)
}

// countReceived counts an arrived packet.
func (c *conn) countReceived() {
	c.packets.received.Add(1)
	c.s.packets.received.Add(1)
}

// countSent counts a packet that goes out.
func (c *conn) countSent() {
	c.packets.sent.Add(1)
	c.s.packets.sent.Add(1)
}

// lastAnswer is what the word cons tells of the last answer of a connection.
type lastAnswer struct {
	op   string // as ZooKeeper abbreviates it
	xid  int32
	zxid int64
	at   time.Time
}

// noAnswer is what cons tells of a connection without answers.
var noAnswer = lastAnswer{op: "NA", xid: -1, zxid: noZxid}

// opWords are ZooKeeper's abbreviations for the kinds of requests.
var opWords = map[wire.Op]string{
	wire.OpCreate: "CREA", wire.OpCreate2: "CREA", wire.OpCreateContainer: "CREA", wire.OpCreateTTL: "CREA",
	wire.OpDelete: "DELE", wire.OpDeleteContainer: "DELE", wire.OpSetData: "SETD", wire.OpSetACL: "SETA", wire.OpReconfig: "RECO",
	wire.OpCheck: "CHEC", wire.OpMulti: "MULT", wire.OpMultiRead: "MLTR", wire.OpSync: "SYNC", wire.OpPing: "PING",
	wire.OpExists: "EXIS", wire.OpGetData: "GETD", wire.OpGetACL: "GETA", wire.OpGetChildren: "GETC", wire.OpGetChildren2: "GETC",
	wire.OpGetAllChildrenCount: "GETACN", wire.OpGetEphemerals: "GETE", wire.OpSetWatches: "SETW", wire.OpSetWatches2: "STW2",
	wire.OpAddWatch: "ADDW", wire.OpCheckWatches: "CHKW", wire.OpRemoveWatches: "REMW", wire.OpWhoAmI: "HOMI",
	wire.OpCloseSession: "CLOS",
}

// note keeps what cons tells of an answer. The number of a ping does not count.
// The caller holds Server.mu.
func (c *conn) note(op string, xid int32) {
	if xid < 0 {
		xid = c.latest.xid
	}
	c.latest = lastAnswer{op: op, xid: xid, zxid: c.s.view(c).zxid, at: time.Now()}
}

// summary describes the connection as the word stat does. ZooKeeper no longer
// listens to a connection that has sent a word, which asker is.
func (c *conn) summary(asker bool) string {
	listens := 1
	if asker {
		listens = 0
	}
	return fmt.Sprintf(" /%s[%d](queued=0,recved=%d,sent=%d)", c.nc.RemoteAddr(), listens, c.packets.received.Load(), c.packets.sent.Load())
}

// details describes the connection as the word cons does. No request takes
// measurable time.
func (c *conn) details(asker bool) string {
	text := c.summary(asker)
	if c.sess == nil {
		return text
	}
	text = strings.TrimSuffix(text, ")") + fmt.Sprintf(",sid=0x%x,lop=%s,est=%d,to=%d",
		uint64(c.sess.id), c.latest.op, c.accepted.UnixMilli(), c.sess.timeout.Milliseconds())
	if c.latest.xid >= 0 {
		text += fmt.Sprintf(",lcxid=0x%x", c.latest.xid)
	}
	var since int64
	if !c.latest.at.IsZero() {
		since = c.latest.at.Sub(c.s.started).Milliseconds()
	}
	return text + fmt.Sprintf(",lzxid=0x%x,lresp=%d,llat=0,minlat=0,avglat=0,maxlat=0)", uint64(c.latest.zxid), since)
}

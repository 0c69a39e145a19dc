package lock

import (
	"context"
	"encoding/json"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/znode"
)

// Contender is a holder of a lock, or a waiter, as described by its znode. For
// a znode of another library, fields that are not known are zero.
type Contender struct {
	ID   string // the ID option's text; or the text that the znode of another library holds
	Host string
	PID  int
	// Since is when the znode was created, by the clock of the ensemble's
	// leader.
	Since time.Time
	// Token is the zxid of the znode's create. The fencing token of its Hold is
	// at least this. A downgraded reader has the token of the writer that it
	// was, which is less.
	Token int64
	// Session is the id of the session that owns the znode; 0 if the znode is
	// not ephemeral.
	Session int64
	// Path is the path of the znode.
	Path string
	// Mode is how a contender for an RWMutex holds the lock, or wants to.
	Mode Mode
	// Revoked says that the contender has been asked to release the lock. The
	// request has replaced what the znode held: ID, Host and PID are zero.
	Revoked bool
	// Hidden says that the znode's ACL does not let this session read it. ID,
	// Host and PID are zero then, and so is every other field that the server
	// withholds.
	Hidden bool
}

// Mode is how an RWMutex is held.
type Mode string

// The modes of an RWMutex.
const (
	ModeRead  Mode = "read"
	ModeWrite Mode = "write"
)

// Holders returns the contender that holds the lock, or none. The connected
// server may lag, so use the answer for display and tools, and not for
// decisions. The first contender may not have noticed yet that it holds the
// lock.
//
// ctx bounds the reads. Errors: ctx's; session.ErrClosed; an invalid path;
// session.ErrNoAuth if the directory may not be listed.
func (m *Mutex) Holders(ctx context.Context) ([]Contender, error) {
	m.made()
	nodes, err := m.holders(ctx)
	return describeAll(nodes), err
}

// Waiters returns the contenders that wait for the lock, in order. ctx, the
// errors and the lag are as in Holders.
func (m *Mutex) Waiters(ctx context.Context) ([]Contender, error) {
	m.made()
	nodes, err := m.contenders(ctx, func(all []znode.Place) []znode.Place { return all[min(1, len(all)):] })
	return describeAll(nodes), err
}

func (m *Mutex) holders(ctx context.Context) ([]line.Contender, error) {
	return m.contenders(ctx, func(all []znode.Place) []znode.Place { return all[:min(1, len(all))] })
}

func (m *Mutex) contenders(ctx context.Context, choose func([]znode.Place) []znode.Place) ([]line.Contender, error) {
	nodes, err := m.line.Chosen(ctx, choose)
	if err != nil {
		return nil, m.fail("list the contenders of", err)
	}
	return nodes, nil
}

func describeAll(nodes []line.Contender) []Contender {
	all := make([]Contender, len(nodes))
	for i, node := range nodes {
		all[i] = describe(node)
	}
	return all
}

func describe(node line.Contender) Contender {
	c := Contender{
		Since:   node.Since(),
		Token:   node.Stat.Czxid,
		Session: node.Stat.EphemeralOwner,
		Path:    node.Path,
		Hidden:  node.Hidden,
	}
	if c.Revoked = string(node.Data) == revokeMessage; c.Revoked {
		return c
	}
	var who owner
	if err := json.Unmarshal(node.Data, &who); err == nil && who.ID != "" {
		c.ID, c.Host, c.PID = who.ID, who.Host, who.PID
	} else {
		c.ID = text(node.Data)
	}
	return c
}

// maxText is the maximum length in bytes of another library's data that is
// shown as an ID.
const maxText = 256

// text returns the data if they can be shown. Curator writes an IP address,
// kazoo an identifier that its user chooses.
func text(data []byte) string {
	if len(data) > maxText || !utf8.Valid(data) {
		return ""
	}
	for _, r := range string(data) {
		if !unicode.IsPrint(r) {
			return ""
		}
	}
	return string(data)
}

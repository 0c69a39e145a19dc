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

// Contender is somebody who holds a lock or waits for it, as its node tells.
// Of a node that another library made, what is not known is zero.
type Contender struct {
	ID   string // ours; or the text that the node of another library holds
	Host string
	PID  int
	// Since is when the node was made, by the clock of the ensemble's leader.
	Since time.Time
	// Token is the zxid with which the node was made: the least that the
	// fencing token of its Hold can be. A reader that was a writer before has the
	// writer's token, which is less.
	Token int64
	// Session is the id of the session that owns the node; 0 for a node that is
	// not ephemeral.
	Session int64
	// Path is the node's.
	Path string
	// Mode says how a contender for an RWMutex wants the lock, or has it.
	Mode Mode
	// Revoked says that the contender has been asked to give the lock up. Its
	// name is not known any more.
	Revoked bool
	// Hidden says that the node's ACL does not let this session read it. Who the
	// contender is, is not known then, and whatever else the server keeps back is
	// zero.
	Hidden bool
}

// Mode is how an RWMutex is held.
type Mode string

// The modes of an RWMutex.
const (
	ModeRead  Mode = "read"
	ModeWrite Mode = "write"
)

// Holders returns who holds the lock: one contender, or none. It tells what the
// server we are connected to knows, which may lag behind: it is for people and tools, and no base
// for decisions. Whoever is first in line may not know yet that it holds.
//
// ctx bounds the reads. Errors: ctx's; session.ErrClosed; an invalid path;
// session.ErrNoAuth when we may not list the directory.
func (m *Mutex) Holders(ctx context.Context) ([]Contender, error) {
	m.made()
	nodes, err := m.holders(ctx)
	return describeAll(nodes), err
}

// Waiters returns who waits for the lock, in order. What is said of Holders
// holds for it too.
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

// maxText is how much of another library's data is taken for a name.
const maxText = 256

// text returns the data if it can be shown: Curator writes an IP address,
// kazoo an identifier of the user's.
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

package inspect

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind says what a Finding is.
type Kind string

// The kinds of findings.
const (
	KindLock        Kind = "lock"
	KindRWLock      Kind = "rwlock"
	KindSemaphore   Kind = "semaphore"
	KindOneNode     Kind = "one-node"
	KindElection    Kind = "election"
	KindGroup       Kind = "group"
	KindPartitioner Kind = "partitioner"
	KindService     Kind = "service"
	KindQueue       Kind = "queue"
	KindJob         Kind = "job"
	KindBarrier     Kind = "barrier"
	KindDouble      Kind = "double-barrier"
	KindCounter     Kind = "counter"
	KindConfigKey   Kind = "config"
	KindHistory     Kind = "history"
	KindPlain       Kind = "plain"
	KindHidden      Kind = "hidden"
	KindOmitted     Kind = "omitted"
)

// Layout says whose way of naming nodes something looks like. Nodes carry no
// signature: it is a likeness, not a proof.
type Layout string

// The layouts that are recognised.
const (
	Docent      Layout = "docent"
	Curator     Layout = "curator" // or somebody who writes the same, as Docent's elections do
	Kazoo       Layout = "kazoo"
	GoZooKeeper Layout = "go-zookeeper"
	Dubbo       Layout = "dubbo"
	Spring      Layout = "spring"
	Generic     Layout = "generic" // ZooKeeper's own recipes and others without a mark
)

// SessionID is the id of a ZooKeeper session. Its text and JSON forms are
// hexadecimal, as ZooKeeper's own tools print it.
type SessionID int64

// String returns the id as "0x" and hexadecimal digits.
func (id SessionID) String() string { return fmt.Sprintf("0x%x", uint64(id)) }

// MarshalText returns what String does.
func (id SessionID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is the reverse of MarshalText.
func (id *SessionID) UnmarshalText(text []byte) error {
	digits, ok := strings.CutPrefix(string(text), "0x")
	n, err := strconv.ParseUint(digits, 16, 64)
	if !ok || err != nil {
		return fmt.Errorf("%q is no id of a session", text)
	}
	*id = SessionID(n)
	return nil
}

// Finding is one thing that stands in the tree: a *Lock, *RWLock, *Semaphore,
// *OneNode, *Election, *Group, *Partitioner, *Service, *Queue, *Job, *Barrier,
// *Double, *Counter, *ConfigKey, *History, *Plain, *Hidden or *Omitted. All have
// a JSON form, an object whose "kind" tells which it is.
//
// All text in it comes from nodes that anybody may have written: escape it
// before it is shown.
type Finding interface {
	// Head returns what every finding has.
	Head() *Header
}

// Header is what every Finding has.
type Header struct {
	Kind Kind `json:"kind"`
	// Path is the node's, below the Manager's root; of an Omitted, that of the
	// node above what was left out.
	Path string `json:"path"`
	// Layouts says whose layout it looks like, sorted; empty where nothing tells.
	Layouts []Layout `json:"layouts,omitempty"`
	// Created is when the node was made, by the clock of the ensemble's leader.
	Created time.Time `json:"created,omitzero"`
	// Children is how many children the node has.
	Children int `json:"children,omitempty"`
	// Strangers is how many of them belong to no recipe that is recognised there;
	// they were not looked into.
	Strangers int `json:"strangers,omitempty"`
	// Unread is how many nodes that do belong to it were not looked at, because a
	// limit was reached.
	Unread int `json:"unread,omitempty"`
	// Kept is how many values of a config key its history has, the present one
	// included, where it has one. Their nodes are no findings of their own.
	Kept int `json:"kept,omitempty"`
	// Notes say what else it may be, and what is not known of it.
	Notes []string `json:"notes,omitempty"`
	// Abandoned says what looks left behind.
	Abandoned []Mark `json:"abandoned,omitempty"`
}

// Head returns h.
func (h *Header) Head() *Header { return h }

// Mark says of a node that it looks abandoned.
type Mark struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// Party is somebody who has a node in a recipe: the holder of a lock, a waiter,
// a candidate, a member. What the node does not tell is zero.
type Party struct {
	// Path is the node's.
	Path string `json:"path"`
	// ID is what the owner calls itself: Docent's id, or the text that another
	// library's node holds, which with Curator mostly is an IP address.
	ID   string `json:"id,omitempty"`
	Host string `json:"host,omitempty"`
	PID  int    `json:"pid,omitempty"`
	// Session is that of the owner; 0 where the node is not ephemeral.
	Session SessionID `json:"session,omitempty"`
	// Under are sessions whose holds last until this one has ended, such as that of
	// the "docent lock" by which the owner was started; see lock.Under.
	Under []SessionID `json:"under,omitempty"`
	// Since is when the node was made, by the clock of the ensemble's leader.
	Since time.Time `json:"since"`
	// Token is the zxid with which the node was made, the least that the fencing
	// token of a hold on it can be.
	Token  int64  `json:"token"`
	Layout Layout `json:"layout,omitempty"`
	// Mode is how a contender for an RWLock wants the lock, or has it.
	Mode Mode `json:"mode,omitempty"`
	// Revoked says that the contender was asked to give the lock up, as Docent and
	// Curator do. Its name is not known any more.
	Revoked bool `json:"revoked,omitempty"`
	// Hidden says that an ACL hides what the node holds.
	Hidden bool `json:"hidden,omitempty"`
}

// Mode is how an RWLock is held.
type Mode string

// The modes of an RWLock.
const (
	ModeRead  Mode = "read"
	ModeWrite Mode = "write"
)

// Lock is a mutex: a line of which the first holds.
type Lock struct {
	Header
	// Holder is the first in line, which may not know yet that it holds.
	Holder  *Party  `json:"holder,omitempty"`
	Waiters []Party `json:"waiters,omitempty"`
	// MayBeElection says that the nodes look the same in an election: with
	// Curator's LeaderSelector and kazoo's Election, the holder leads.
	MayBeElection bool `json:"mayBeElection,omitempty"`
}

// RWLock is a lock for readers and writers.
type RWLock struct {
	Header
	Holders []Party `json:"holders,omitempty"`
	Waiters []Party `json:"waiters,omitempty"`
}

// Semaphore is a number of permits.
type Semaphore struct {
	Header
	// Used is how many permits are taken, those that were not looked at included.
	Used int `json:"used"`
	// Limit is how many there are; 0 where the nodes do not tell, as Docent's and
	// Curator's do not.
	Limit int `json:"limit,omitempty"`
	// Holders has one entry for each permit.
	Holders []Party `json:"holders,omitempty"`
	Waiters []Party `json:"waiters,omitempty"`
}

// OneNode is a single ephemeral node: a one-node lock or election, of which only
// the holder can be seen, or a member of something that is not recognised.
type OneNode struct {
	Header
	Holder Party `json:"holder"`
}

// Election is a line of candidates of which the first leads.
type Election struct {
	Header
	Leader     *Party  `json:"leader,omitempty"`
	Candidates []Party `json:"candidates,omitempty"`
	// Transfer is the id of the candidate that an operator wants to lead.
	Transfer string `json:"transfer,omitempty"`
}

// Group is a directory of members.
type Group struct {
	Header
	Members []Party `json:"members,omitempty"`
}

// Partitioner divides partitions among members.
type Partitioner struct {
	Header
	// Partitions is how many there are; 0 where the nodes do not tell, as kazoo's
	// do not.
	Partitions int     `json:"partitions,omitempty"`
	Members    []Party `json:"members,omitempty"`
	// Claims are those that are owned, by partition.
	Claims []Claim `json:"claims,omitempty"`
}

// Claim is one partition that somebody owns.
type Claim struct {
	Partition string `json:"partition"`
	Party
}

// Service is a directory of the instances of a service.
type Service struct {
	Header
	Name      string     `json:"name"`
	Instances []Instance `json:"instances,omitempty"`
}

// Instance is one instance of a service.
type Instance struct {
	Party
	Address  string `json:"address,omitempty"`
	Port     int    `json:"port,omitempty"`
	SSLPort  int    `json:"sslPort,omitempty"`
	Disabled bool   `json:"disabled,omitempty"`
	Draining bool   `json:"draining,omitempty"`
}

// Queue is a queue of items.
type Queue struct {
	Header
	// Length is how many nodes of items there are, claimed and delayed ones
	// included. One node of Curator's may hold many items.
	Length  int `json:"length"`
	Delayed int `json:"delayed,omitempty"` // not due yet, by the clock of this machine
	Dead    int `json:"dead,omitempty"`    // dead letters
	// Oldest is the item that was put first, nil where there is none.
	Oldest *Item `json:"oldest,omitempty"`
	// Claims are the items that a consumer has, as far as claims are known there.
	Claims []ItemClaim `json:"claims,omitempty"`
}

// Item is one item of a queue.
type Item struct {
	Path string    `json:"path"`
	Put  time.Time `json:"put"` // by the clock of the ensemble's leader
	// Attempts is how often it was claimed; of Docent's consumers only.
	Attempts int `json:"attempts,omitempty"`
}

// ItemClaim is an item that a consumer has.
type ItemClaim struct {
	Item string `json:"item"` // the name of its node
	Party
}

// Barrier is a gate that is closed: Docent's, by its owner's mark. Other
// libraries' gates look like config keys.
type Barrier struct {
	Header
	SetBy Party `json:"setBy"`
}

// Double is a double barrier, at which members go in and out together.
type Double struct {
	Header
	// Ready says whether a round is under way.
	Ready bool `json:"ready"`
	// Inside are the members of the round that have not left yet: for whom the
	// others wait who leave.
	Inside []Party `json:"inside,omitempty"`
	// Waiting are those who stand and are not inside. How many a round needs no node tells.
	Waiting []Party `json:"waiting,omitempty"`
	// Left are the nodes of members of the round that are not there any more, where
	// the round names its members, as Docent's do.
	Left []string `json:"left,omitempty"`
}

// Counter is a node that holds a number of 4 or 8 bytes, as Curator's counters
// do: any other data of that length looks the same.
type Counter struct {
	Header
	Value    int64     `json:"value"`
	Bytes    int       `json:"bytes"`
	Version  int32     `json:"version"`
	Modified time.Time `json:"modified"`
}

// ConfigKey is a persistent node without children that holds data.
type ConfigKey struct {
	Header
	Bytes    int       `json:"bytes"`
	Version  int32     `json:"version"`
	Modified time.Time `json:"modified"`
}

// History is what is kept of a config key that is none of the findings: it was
// deleted, or lies outside of what was looked at. Header.Kept says how many values that is.
type History struct {
	Header
	// Key is the path of the key.
	Key string `json:"key"`
}

// Plain is a node that is not recognised as a recipe's.
type Plain struct {
	Header
	Bytes   int       `json:"bytes,omitempty"`
	Session SessionID `json:"session,omitempty"` // 0 for a node that is not ephemeral
}

// Hidden is a node of which an ACL hides something.
type Hidden struct {
	Header
	What string `json:"what"` // "children", "data", or "node": all but the name
}

// Omitted says what was left out.
type Omitted struct {
	Header
	// Nodes is how many children of Path were not looked at; what stands below
	// them is not known.
	Nodes int    `json:"nodes"`
	Why   string `json:"why"`
}

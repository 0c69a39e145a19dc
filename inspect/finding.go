package inspect

import (
	"time"

	"github.com/docent-go/docent/session"
)

// Kind is the kind of a Finding.
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

// Layout names the library whose layout a znode looks like. It is a guess: any
// client may write such a znode.
type Layout string

// The layouts that are recognised.
const (
	Docent      Layout = "docent"
	Curator     Layout = "curator" // also of other libraries with the same layout, such as Docent's elections
	Kazoo       Layout = "kazoo"
	GoZooKeeper Layout = "go-zookeeper"
	Dubbo       Layout = "dubbo"
	Spring      Layout = "spring"
	Generic     Layout = "generic" // ZooKeeper's own recipes, and others without a mark
)

// Finding is a recipe or a znode of the tree: a *Lock, *RWLock, *Semaphore,
// *OneNode, *Election, *Group, *Partitioner, *Service, *Queue, *Job, *Barrier,
// *Double, *Counter, *ConfigKey, *History, *Plain, *Hidden or *Omitted. Each
// has a JSON form: an object with its "kind".
//
// All text in a Finding comes from znodes that any client may have written:
// escape it before you show it.
type Finding interface {
	// Head returns the part that all findings have.
	Head() *Header
}

// Header is the part that all findings have.
type Header struct {
	Kind Kind `json:"kind"`
	// Path is the path of the znode, below the Manager's root. For an Omitted
	// it is the parent of the znodes that were left out.
	Path string `json:"path"`
	// Layouts are the layouts that the znodes look like, sorted. It is empty if
	// no layout is recognised.
	Layouts []Layout `json:"layouts,omitempty"`
	// Created is the time at which the znode was created, by the clock of the
	// ensemble's leader.
	Created time.Time `json:"created,omitzero"`
	// Children is the number of the znode's children.
	Children int `json:"children,omitempty"`
	// Unrecognised is the number of children that do not belong to the recipe.
	// They are read as other znodes, and are findings themselves.
	Unrecognised int `json:"strangers,omitempty"`
	// Unread is the number of znodes of the recipe that were not read, since a
	// limit was reached.
	Unread int `json:"unread,omitempty"`
	// Kept is the number of values in a config key's history, including the
	// present value. The znodes of these values are not findings.
	Kept int `json:"kept,omitempty"`
	// Notes say which other recipe the znodes may belong to, and what is not
	// known.
	Notes []string `json:"notes,omitempty"`
	// Abandoned are the znodes that look abandoned.
	Abandoned []Mark `json:"abandoned,omitempty"`
}

// Head returns h.
func (h *Header) Head() *Header { return h }

// Mark is a znode that looks abandoned, with the reason.
type Mark struct {
	Path   string `json:"path"`
	Reason string `json:"why"`
}

// Owner is the owner of a znode in a recipe: the holder of a lock, a waiter, a
// candidate, a member. What the znode does not tell is zero. In Curator's
// znodes the ID is mostly an IP address.
type Owner struct {
	session.Owner
	// ParentSessions are sessions whose holds last until the owner's session
	// has ended, such as the session of the "docent lock" that has started the
	// owner; see lock.ParentSessions.
	ParentSessions []session.ID `json:"under,omitempty"`
	Layout         Layout       `json:"layout,omitempty"`
	// Mode is the mode in which a contender waits for an RWLock, or holds it.
	Mode Mode `json:"mode,omitempty"`
	// HoldingSince is when the owner began to hold, by the clock of the
	// ensemble's leader. It is zero for an owner that does not hold, and if no
	// znode tells. A contender holds at some time after Since, which is when it
	// joined the wait queue: the holder of a Lock or an RWLock, the leader of an
	// Election, the holder of a permit of Docent or Curator, and the owner of a
	// partition of kazoo. HoldingSince is Since for the owner of a OneNode, a
	// Barrier, any other partition or permit, and a claimed item.
	HoldingSince time.Time `json:"holdingSince,omitzero"`
	// Revoked says that the contender was asked to release the lock, as Docent
	// and Curator do. The request has replaced its id.
	Revoked bool `json:"revoked,omitempty"`
	// LeftOut says that the znode's data was left out, and that every field is
	// zero that only the data tells. Report.LeftOut counts these znodes.
	LeftOut bool `json:"leftOut,omitempty"`
}

// Mode is the mode of a contender for an RWLock.
type Mode string

// The modes of an RWLock.
const (
	ModeRead  Mode = "read"
	ModeWrite Mode = "write"
)

// Lock is a mutex: a queue of contenders. The first contender holds the lock.
type Lock struct {
	Header
	// Holder is the first contender. It may not know yet that it holds. Its
	// Since is when it joined the wait queue.
	Holder  *Owner  `json:"holder,omitempty"`
	Waiters []Owner `json:"waiters,omitempty"`
	// MayBeElection says that the znodes may be an election: Curator's
	// LeaderSelector and kazoo's Election have the same znodes. The holder
	// leads then.
	MayBeElection bool `json:"mayBeElection,omitempty"`
}

// RWLock is a read/write lock.
type RWLock struct {
	Header
	Holders []Owner `json:"holders,omitempty"`
	Waiters []Owner `json:"waiters,omitempty"`
}

// Semaphore is a number of permits.
type Semaphore struct {
	Header
	// Used is the number of permits that are held, including those that were
	// not read.
	Used int `json:"used"`
	// Limit is the number of permits; 0 if the znodes do not have it, as with
	// Docent and Curator.
	Limit int `json:"limit,omitempty"`
	// Holders has one entry for each permit.
	Holders []Owner `json:"holders,omitempty"`
	Waiters []Owner `json:"waiters,omitempty"`
}

// OneNode is a single ephemeral znode: a one-node lock or election, whose
// waiters have no znodes, or a member of a recipe that is not recognised.
type OneNode struct {
	Header
	Holder Owner `json:"holder"`
}

// Election is a queue of candidates. The first candidate leads.
type Election struct {
	Header
	Leader     *Owner  `json:"leader,omitempty"`
	Candidates []Owner `json:"candidates,omitempty"`
	// Transfer is the id of the candidate that a transfer request names.
	Transfer string `json:"transfer,omitempty"`
}

// Group is a directory of members.
type Group struct {
	Header
	Members []Owner `json:"members,omitempty"`
}

// Partitioner divides partitions among members.
type Partitioner struct {
	Header
	// Partitions is the number of partitions; 0 if the znodes do not have it,
	// as with kazoo.
	Partitions int     `json:"partitions,omitempty"`
	Members    []Owner `json:"members,omitempty"`
	// Claims are the owned partitions, sorted.
	Claims []Claim `json:"claims,omitempty"`
}

// Claim is a partition with its owner.
type Claim struct {
	Partition string `json:"partition"`
	Owner
}

// Service is a directory of the instances of a service.
type Service struct {
	Header
	Name      string     `json:"name"`
	Instances []Instance `json:"instances,omitempty"`
}

// Instance is one instance of a service.
type Instance struct {
	Owner
	Address  string `json:"address,omitempty"`
	Port     int    `json:"port,omitempty"`
	SSLPort  int    `json:"sslPort,omitempty"`
	Disabled bool   `json:"disabled,omitempty"`
	Draining bool   `json:"draining,omitempty"`
}

// Queue is a queue of items.
type Queue struct {
	Header
	// Length is the number of items' znodes, including claimed and delayed
	// items. A znode of Curator may have several items.
	Length  int `json:"length"`
	Delayed int `json:"delayed,omitempty"` // not due yet, by the clock of this machine
	Dead    int `json:"dead,omitempty"`    // dead letters
	// Oldest is the item that was put first, nil without items.
	Oldest *Item `json:"oldest,omitempty"`
	// Claims are the items that consumers have, in layouts with claims.
	Claims []ItemClaim `json:"claims,omitempty"`
}

// Item is one item of a queue.
type Item struct {
	Path string    `json:"path"`
	Put  time.Time `json:"put"` // by the clock of the ensemble's leader
	// Attempts is the number of claims by Docent's consumers.
	Attempts int `json:"attempts,omitempty"`
}

// ItemClaim is an item that a consumer has.
type ItemClaim struct {
	Item string `json:"item"` // the name of its znode
	Owner
}

// Barrier is a closed gate of Docent, which has its owner's data. Gates of
// other libraries look like config keys.
type Barrier struct {
	Header
	SetBy Owner `json:"setBy"`
}

// Double is a double barrier, whose members enter and leave together.
type Double struct {
	Header
	// Ready says whether a round is under way.
	Ready bool `json:"ready"`
	// Inside are the members of the round that have not left. Members that
	// leave wait for them.
	Inside []Owner `json:"inside,omitempty"`
	// Waiting are the members that are not inside. No znode has the number of
	// members that a round needs.
	Waiting []Owner `json:"waiting,omitempty"`
	// Left are the names of znodes of the round's members that are gone. Only
	// Docent's rounds name their members.
	Left []string `json:"left,omitempty"`

	named bool // the round names its members
}

// Counter is a znode with a number of 4 or 8 bytes, as Curator's counters have.
// Other data of that length looks the same.
type Counter struct {
	Header
	Value    int64     `json:"value"`
	Bytes    int       `json:"bytes"`
	Version  int32     `json:"version"`
	Modified time.Time `json:"modified"`
}

// ConfigKey is a persistent znode with data and without children.
type ConfigKey struct {
	Header
	Bytes    int       `json:"bytes"`
	Version  int32     `json:"version"`
	Modified time.Time `json:"modified"`
}

// History is the history of a config key that is not among the findings: the
// key was deleted, or was not read. Header.Kept is the number of its values.
type History struct {
	Header
	// Key is the path of the key.
	Key string `json:"key"`
}

// Plain is a znode that is not recognised as a recipe's.
type Plain struct {
	Header
	Bytes   int        `json:"bytes,omitempty"`
	Session session.ID `json:"session,omitempty"` // 0 for a znode that is not ephemeral
}

// Hidden is a znode that an ACL hides in part.
type Hidden struct {
	Header
	What string `json:"what"` // "children", "data", or "node": all but the name
}

// Omitted says which znodes were not read.
type Omitted struct {
	Header
	// Nodes is the number of children of Path that were not read, with their
	// descendants.
	Nodes  int    `json:"nodes"`
	Reason string `json:"why"`
}

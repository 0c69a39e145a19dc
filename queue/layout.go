package queue

import (
	"fmt"
	"math"
	"strings"

	"github.com/docent-go/docent/internal/znode"
)

// Format is a way of writing a queue into znodes, so that other libraries can
// share it.
type Format int

const (
	// Curator is the default: the names and the frame of Curator's
	// DistributedQueue, DistributedPriorityQueue and DistributedDelayQueue,
	// with their lock-safe consumption. In Curator, queuePath is
	// <path>/items and lockPath is <path>/claims.
	Curator Format = iota
	// SimpleQueue is Curator's SimpleDistributedQueue, the queue of ZooKeeper's
	// own distribution: raw data, no priorities, no delays. Its consumers
	// know no claims: let them put only. The items lie in <path> itself.
	SimpleQueue
	// KazooQueue is kazoo's Queue: raw data, priorities 0 to 999 (100 unless
	// given), no delays. Its consumers know no claims: let them put only. The
	// items lie in <path> itself.
	KazooQueue
	// KazooLockingQueue is kazoo's LockingQueue: as KazooQueue, but its
	// consumers claim as ours do. The items lie in <path>/entries and
	// the claims in <path>/taken.
	KazooLockingQueue
)

// layout is what there is to know of a Format.
type layout struct {
	parse  func(text string) (name, bool)
	prefix func(name) string
	framed bool // whether the data is in a frame
	delays bool // whether names can carry when an item is due
	// The priorities that names can carry: none where both are 0.
	least, most int32
	// Where things lie, behind the queue's path.
	items, claims, dead, guards string
	// Whether a claim holds a bare id instead of a description.
	bareClaims bool
}

func (f Format) layout() (layout, error) {
	switch f {
	case Curator:
		return layout{
			parse: parseCurator, prefix: curatorPrefix, framed: true, delays: true,
			least: math.MinInt32, most: math.MaxInt32,
			items: "/items", claims: "/claims", dead: "/dead", guards: "/guards",
		}, nil
	case SimpleQueue:
		return layout{parse: parseSimple, prefix: simplePrefix, claims: "-claims", dead: "-dead", guards: "-guards"}, nil
	case KazooQueue:
		return layout{parse: parseKazoo, prefix: kazooPrefix, most: kazooMost, claims: "-claims", dead: "-dead", guards: "-guards"}, nil
	case KazooLockingQueue:
		return layout{
			parse: parseKazoo, prefix: kazooPrefix, most: kazooMost,
			items: "/entries", claims: "/taken", dead: "/dead", guards: "/guards", bareClaims: true,
		}, nil
	}
	return layout{}, fmt.Errorf("there is no format %d", int(f))
}

// encode writes one payload as a node's data.
func (l layout) encode(data []byte) []byte {
	if l.framed {
		return frame(data)
	}
	return data
}

// decode reads what a node holds: one payload or more.
func (l layout) decode(data []byte) ([][]byte, error) {
	if l.framed {
		return unframe(data)
	}
	return [][]byte{data}, nil
}

// claimant returns what a new claim holds, which is unlike what any other holds.
func (l layout) claimant(o *options) []byte {
	guid := znode.NewGUID()
	if l.bareClaims {
		return []byte(strings.ReplaceAll(guid, "-", ""))
	}
	return o.claimant(guid)
}

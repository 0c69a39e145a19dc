package queue

import (
	"fmt"
	"math"
	"strings"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/recipe/owner"
)

// Format is a layout of a queue in znodes. With the layout of another library,
// both can share the queue.
type Format int

const (
	// Curator is the default: the names and the frame of Curator's
	// DistributedQueue, DistributedPriorityQueue and DistributedDelayQueue,
	// with their lock-safe consumption. In Curator, queuePath is
	// <path>/items and lockPath is <path>/claims.
	Curator Format = iota
	// SimpleQueue is Curator's SimpleDistributedQueue, the queue of ZooKeeper's
	// own distribution: raw data, no priorities, no delays. Its consumers know
	// no claims, so use that library for puts only. The items lie in <path>
	// itself.
	SimpleQueue
	// KazooQueue is kazoo's Queue: raw data, priorities 0 to 999 (100 by
	// default), no delays. Its consumers know no claims, so use kazoo for puts
	// only. The items lie in <path> itself.
	KazooQueue
	// KazooLockingQueue is kazoo's LockingQueue: as KazooQueue, but its
	// consumers make claims as ours do. The items lie in <path>/entries and the
	// claims in <path>/taken.
	KazooLockingQueue
)

// layout is the description of a Format.
type layout struct {
	parse  func(text string) (name, bool)
	prefix func(name) string
	framed bool // whether the data are in a frame
	delays bool // whether names can carry when an item is due
	// The priorities that names can carry; both are 0 if the format has no
	// priorities.
	minPriority, maxPriority int32
	// The directories, after the queue's path.
	items, claims, dead, guards string
	// Whether a claim holds only an id instead of a description.
	bareClaims bool
}

func (f Format) layout() (layout, error) {
	switch f {
	case Curator:
		return layout{
			parse: parseCurator, prefix: curatorPrefix, framed: true, delays: true,
			minPriority: math.MinInt32, maxPriority: math.MaxInt32,
			items: "/items", claims: "/claims", dead: "/dead", guards: "/guards",
		}, nil
	case SimpleQueue:
		return layout{parse: parseSimple, prefix: simplePrefix, claims: "-claims", dead: "-dead", guards: "-guards"}, nil
	case KazooQueue:
		return layout{parse: parseKazoo, prefix: kazooPrefix, maxPriority: kazooMax, claims: "-claims", dead: "-dead", guards: "-guards"}, nil
	case KazooLockingQueue:
		return layout{
			parse: parseKazoo, prefix: kazooPrefix, maxPriority: kazooMax,
			items: "/entries", claims: "/taken", dead: "/dead", guards: "/guards", bareClaims: true,
		}, nil
	}
	return layout{}, fmt.Errorf("Layout(%d): unknown format; use Curator, SimpleQueue, KazooQueue or KazooLockingQueue", int(f))
}

// encode returns the data of a znode with one payload.
func (l layout) encode(data []byte) []byte {
	if l.framed {
		return frame(data)
	}
	return data
}

// decode returns the payloads in the data of a znode: one or more.
func (l layout) decode(data []byte) ([][]byte, error) {
	if l.framed {
		return unframe(data)
	}
	return [][]byte{data}, nil
}

// claimData returns the data of a new claim of a consumer. They differ from the
// data of every other claim. Curator ignores them.
func (l layout) claimData(consumer string) []byte {
	guid := znode.NewGUID()
	if l.bareClaims {
		return []byte(strings.ReplaceAll(guid, "-", ""))
	}
	d := owner.New(consumer)
	d.Claim = guid
	return d.Encode()
}

package groupmembership

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// Errors of a Partitioner, compared with errors.Is.
var (
	// ErrMoved is the cause with which a partition's context ends when the
	// partition is to go to another member. It stays ours until the function
	// that works on it has returned.
	ErrMoved = errors.New("the partition goes to another member")
	// ErrPartitionCount says that the members divide another number of partitions
	// than the one that NewPartitioner was given.
	ErrPartitionCount = errors.New("the members divide another number of partitions")
)

// maxPartitions bounds the number of partitions: each is a node that every
// member watches.
const maxPartitions = 10_000

// Partitioner divides n partitions, numbered from 0, among the members of a
// group, as message brokers divide theirs among consumers. It keeps nothing of
// a single member and is safe for concurrent use.
//
//   - A partition is owned by at most one member at any instant: whoever owns it
//     holds its claim, a node of its own, with a fencing token, and the context
//     of a claim that is lost ends before anybody else can claim.
//
//   - Once nobody comes or goes any more, each partition is owned by exactly one
//     member, and no member owns two more than another. With more members than
//     partitions, the rest is idle.
//
//   - When a member comes or goes, only those partitions move that have to: the
//     ones of who has gone, and as many as give who has come its share.
//
//   - A member that dies loses its partitions with its session; the others have
//     them as soon as it has expired.
//
//   - Members that were given different numbers of partitions never work at the
//     same time.
//
// There is no leader: every member computes the same plan from the same view
// of the group. Members with different views may pass a partition on twice, but
// never own it at the same time. All members need the right to read all nodes.
//
// # The number of partitions
//
// The first member writes its number into <path>/claims. A member that finds another
// number fails with ErrPartitionCount if a partition is claimed, or if the data is not a
// number. While no partition is claimed, the member that has been in the group for
// longest writes its own number, and the others wait. So the number can be changed
// once all members have stopped.
//
// A stranger may write another number while members work. The members that know the old
// number fail with ErrPartitionCount. A member that knows the new number works only after
// they have given up their claims. A member whose own number is written once more gives up its
// partitions and claims them again. The same holds when the directory was deleted.
//
// A member works on a partition after it has read the number in the session of its
// claim. So a member that was cut off does not work under a number that was replaced.
//
// # What may not be read
//
// A node that a member may not read is told of (OnProblem). The rest goes on:
//
//   - a member's node: it has no share;
//   - a claim: its partition is not divided, and stays with its owner;
//   - the members, the claims or the number: each member keeps what it owns and
//     claims nothing. A member that starts fails with session.ErrNoAuth.
//
// A persistent node in the place of a claim, which somebody made by hand, leaves its
// partition without an owner until it is deleted. One among the members is ignored.
// Neither payloads nor the data of claims are interpreted, and their sizes do not matter.
// A change of an ACL has no event: a member sees it when it reads the node the next time,
// within a minute where its session has met ACLs.
//
// Layout: the members stand in <path>/members, a Group; the claims are
// <path>/claims/<number>, ephemeral, and hold the id of the owner; <path>/claims
// itself holds the number of partitions.
type Partitioner struct {
	sm     *core.Manager
	path   string
	n      int
	group  *Group
	err    error
	settle time.Duration
	data   []byte
	joined func(*Membership)
	told   func(error)
}

// PartitionerOption changes how a member takes part in a Partitioner.
type PartitionerOption func(*Partitioner)

// Settle has a member wait, after members have come or gone, until that has
// not happened for d, before it claims partitions or gives any up. It saves
// moves when many members start or restart one after the other, and makes the
// partitions of a member that died wait. The default is two and a half times the Pause of
// the group (InGroup), and while members go on coming ten times at most; 0 does not wait.
func Settle(d time.Duration) PartitionerOption { return func(p *Partitioner) { p.settle = d } }

// MemberPayload is what the member's node holds, for those who watch Group.
func MemberPayload(data []byte) PartitionerOption { return func(p *Partitioner) { p.data = data } }

// OnJoin has f called by Run once the member is in the group, before it has any
// partition: with the Membership, progress and load can be reported. f must not
// call Leave.
func OnJoin(f func(*Membership)) PartitionerOption {
	misuse.NilFunc(f == nil, "groupmembership.OnJoin")
	return func(p *Partitioner) { p.joined = f }
}

// OnProblem has f called by Run when there is something that it may not read:
// the node of a member or of a claim (session.ErrNoAuth, in an error that names
// the node). The others are divided all the same. An error that only repeats is
// told once; nil says that all can be read again. f is called on a goroutine of
// Run's, one call at a time, and must not block.
func OnProblem(f func(error)) PartitionerOption {
	misuse.NilFunc(f == nil, "groupmembership.OnProblem")
	return func(p *Partitioner) { p.told = f }
}

// InGroup gives options to the Group of members.
func InGroup(opts ...Option) PartitionerOption {
	misuse.Apply("groupmembership.InGroup", new(options), opts) // to say here that one is nil
	return func(p *Partitioner) { misuse.Apply("groupmembership.InGroup", &p.group.opts, opts) }
}

// NewPartitioner returns the partitioner at path, of n partitions. It does no
// I/O. A path or number that cannot be used is reported by every call.
func NewPartitioner(sm *session.Manager, path string, n int, opts ...PartitionerOption) *Partitioner {
	p := &Partitioner{sm: bridge.Core(sm), path: path, n: n, group: New(sm, path+"/"+membersDir), settle: unsaid}
	if err := znode.Validate(path); err != nil {
		p.err = err
	} else if n < 1 || n > maxPartitions {
		p.err = fmt.Errorf("the number of partitions is %d: it has to be from 1 to %d", n, maxPartitions)
	}
	misuse.Apply("groupmembership.NewPartitioner", p, opts)
	if p.settle < 0 && p.settle != unsaid {
		p.err = fmt.Errorf("the time to settle is %v: it cannot be negative", p.settle)
	}
	return p
}

// unsaid is the time to settle where no option names one.
const unsaid time.Duration = math.MinInt64

// Where members and claims stand, below the path.
const (
	membersDir = "members"
	claimsDir  = "claims"
)

// made panics for a Partitioner that NewPartitioner has not made, or was given
// no Manager.
func (p *Partitioner) made() {
	misuse.If(p == nil || p.sm == nil, "a Partitioner without a Manager is used: "+
		"get one from groupmembership.NewPartitioner, with the Manager of core.Dial")
}

// Path returns the path of the partitioner.
func (p *Partitioner) Path() string {
	misuse.ZeroValue(p == nil, "or nil groupmembership.Partitioner", "groupmembership.NewPartitioner")
	return p.path
}

// Group returns the group of its members, to be listed and watched.
func (p *Partitioner) Group() *Group {
	misuse.ZeroValue(p == nil, "or nil groupmembership.Partitioner", "groupmembership.NewPartitioner")
	return p.group
}

func (p *Partitioner) claims() string { return znode.Join(p.path, claimsDir) }

func (p *Partitioner) claim(number int) string {
	return znode.Join(p.claims(), strconv.Itoa(number))
}

// Partition is a partition that we own. See session.Hold for what it can do:
// Token (the fencing token, which grows from owner to owner), Err, Deadline and
// others. It has no Guard (session.ErrNoGuard): the claim of the next owner
// stands at the same path. Give the token to what is written to.
type Partition struct {
	session.Hold
	// Number is which one it is, from 0.
	Number int
}

// Owner is who owns a partition.
type Owner struct {
	Partition int
	// ID is the owner's; empty where the partition has none.
	ID string
	// Since is when the owner claimed it, by the clock of the ensemble's leader.
	Since time.Time
	// Token is the fencing token of the claim; 0 where there is none.
	Token int64
	// Session is the id of the session that owns the claim. It is 0 where there
	// is no claim, or one that belongs to no session: somebody made its node by
	// hand, and nobody can own the partition until it is deleted.
	Session int64
	// Err says that the claim may not be read; all else but Partition is empty.
	Err error
}

// Owners lists all partitions with their owners, in order. It tells what the
// server that we are connected to knows, which may lag behind.
//
// ctx bounds the reads. Errors, in a *session.OpError: ctx's;
// session.ErrClosed; a path or number that cannot be used; session.ErrNoAuth
// when we may not read everything. With session.ErrNoAuth for single nodes the
// owners are returned as well: Owner.Err says which claims are unknown.
func (p *Partitioner) Owners(ctx context.Context) ([]Owner, error) {
	p.made()
	st, err := p.look(ctx)
	if st == nil {
		return nil, failed("list the owners of", p.path, err)
	}
	owners := make([]Owner, p.n)
	for i := range owners {
		owners[i].Partition, owners[i].Err = i, st.Refused(claimName(i))
		if claim := st.Get(claimName(i)); claim != nil {
			owners[i].ID = string(claim.Data)
			owners[i].Since = time.UnixMilli(claim.Stat.Ctime)
			owners[i].Token = claim.Stat.Czxid
			owners[i].Session = claim.Stat.EphemeralOwner
		}
	}
	return owners, failed("list the owners of", p.path, err)
}

package groupmembership

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/docent-go/docent/internal/base/bounds"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/internal/recipe/views"
	"github.com/docent-go/docent/session"
)

// Errors of a Partitioner. Compare with errors.Is.
var (
	// ErrMoved is the cause with which a partition's context ends when the
	// partition is to go to another member. The partition stays ours until the
	// function that works on it has returned.
	ErrMoved = errors.New("the partition goes to another member")
	// ErrPartitionCount says that the members divide another number of
	// partitions than NewPartitioner was given, or that the znode with the number
	// holds something else.
	ErrPartitionCount = errors.New("the members divide another number of partitions")
)

// maxPartitions bounds the number of partitions: each is a znode that every
// member watches.
const maxPartitions = 10_000

// Partitioner divides n partitions, numbered from 0, among the members of a
// group, as message brokers divide theirs among consumers. It keeps no state of
// a member and is safe for concurrent use.
//
//   - A partition is owned by at most one member at any instant. The owner
//     holds the partition's claim, a znode of its own, with a fencing token.
//     The context of a lost claim ends before another member can claim the
//     partition.
//
//   - Once members have stopped coming and going, each partition is owned by
//     exactly one member, and no member owns two more than another. With more
//     members than partitions, the surplus members are idle.
//
//   - When a member comes or goes, only the partitions move that have to: the
//     partitions of the member that has gone, or enough to give a new member
//     its share.
//
//   - A member that dies loses its partitions with its session. The other
//     members get them as soon as the session has expired.
//
//   - Members that were given different numbers of partitions never work at the
//     same time.
//
// The members need no leader: each computes the same plan from the same view of
// the group. Members with different views may pass a partition on twice, but
// never own it at the same time. All members need the right to read all znodes.
//
// # The number of partitions
//
// The first member writes its number into <path>/claims. A member that finds
// another number fails with ErrPartitionCount if a partition is claimed, or if
// the data are not a number. While no partition is claimed, the member that has
// been in the group for longest writes its own number, and the others wait. So
// the number can be changed once all members have stopped.
//
// Another client may write another number while members work. The members that
// know the old number fail with ErrPartitionCount. A member that knows the new
// number works only after they have given up their claims. If a member's own
// number is written once more, the member gives up its partitions and claims
// them again. The same holds if the directory was deleted.
//
// A member works on a partition only after it has read the number in the
// session of its claim. So a member that was cut off does not work under a
// number that was replaced.
//
// # What may not be read
//
// If a member may not read a znode, OnProblem reports it. The rest goes on:
//
//   - a member's znode: that member has no share;
//   - a claim: its partition is not divided, and stays with its owner;
//   - the members, the claims or the number: each member keeps what it owns and
//     claims nothing. A member that starts fails with session.ErrNoAuth.
//
// A persistent znode in the place of a claim, perhaps made by hand, leaves its
// partition without an owner until it is deleted; OnProblem reports it. A
// persistent znode among the
// members is ignored. Neither payloads nor the data of claims are interpreted,
// and their sizes do not matter. A change of an ACL has no event. A member sees
// it when it reads the znode the next time: within a minute, if ACLs have
// rejected reads of its session.
//
// Layout: the members are in <path>/members, a Group. The claims are
// <path>/claims/<number>, ephemeral, and hold the id of the owner.
// <path>/claims itself holds the number of partitions.
type Partitioner struct {
	sm     *core.Manager
	path   string
	n      int
	group  *Group
	err    error
	settle time.Duration

	payload   []byte
	onJoin    func(*Membership)
	onProblem func(error)
	onEnd     func(*Partition, error)
}

// PartitionerOption changes how a member takes part in a Partitioner.
type PartitionerOption func(*Partitioner)

// Settle has a member wait before it claims partitions or gives any up: until
// no member has come or gone for d. The wait has no other limit: members that
// keep coming or going within d delay it for as long as they do. It saves moves
// when many members start or restart one after the other. It also delays the
// partitions of a member that died. With 0 the member does not wait.
//
// Without Settle, the member waits until no member has come or gone for two and
// a half times the Pause of the group (GroupOptions). It waits for ten times the
// Pause at most.
func Settle(d time.Duration) PartitionerOption { return func(p *Partitioner) { p.settle = d } }

// Payload sets the payload with which the member joins, for watchers of the
// group. OnJoin gets the Membership, which can change it.
func Payload(payload []byte) PartitionerOption { return func(p *Partitioner) { p.payload = payload } }

// OnJoin sets a function that Run calls once the member is in the group, before
// it has any partition. With the Membership, progress and load can be reported.
// f must not call Leave. Run calls f on its own goroutine, one call at a time,
// and waits for f.
func OnJoin(f func(*Membership)) PartitionerOption {
	misuse.NilFunc(f == nil, "groupmembership.OnJoin")
	return func(p *Partitioner) { p.onJoin = f }
}

// OnProblem sets a function that Run calls with each problem that it has met and
// goes on with: a znode of a member or of a claim that may not be read
// (session.ErrNoAuth), or a claim that is not ephemeral
// (session.ErrNotEphemeral). The error names the znode. The other partitions are
// divided all the same. A problem that only repeats is reported once, and
// f(nil) says that every problem is over. The errors are *session.OpErrors.
//
// Run calls f on its own goroutine, one call at a time, and waits for f. f must
// return soon: meanwhile the member divides nothing.
func OnProblem(f func(error)) PartitionerOption {
	misuse.NilFunc(f == nil, "groupmembership.OnProblem")
	return func(p *Partitioner) { p.onProblem = f }
}

// OnPartitionEnd sets a function that Run calls after each end of a partition:
// the partition's function has returned, and the claim was given up. err is the
// function's error, unless that is the error of its context. It is joined with
// the reason if the claim was lost, the partition moved, or Run ends because
// another function has failed or by an error of its own. Run calls f on the
// goroutines of the partitions, several calls at a time, and waits for f.
func OnPartitionEnd(f func(part *Partition, err error)) PartitionerOption {
	misuse.NilFunc(f == nil, "groupmembership.OnPartitionEnd")
	return func(p *Partitioner) { p.onEnd = f }
}

// GroupOptions sets options of the Group of members.
func GroupOptions(opts ...GroupOption) PartitionerOption {
	misuse.Apply("groupmembership.GroupOptions", new(groupOptions), opts) // panics here, at the caller, if an option is nil
	return func(p *Partitioner) { misuse.Apply("groupmembership.GroupOptions", &p.group.opts, opts) }
}

// NewPartitioner returns the partitioner at path, of n partitions. It does no
// I/O. If the path, the number or an option cannot be used, every call on the
// Partitioner returns the error.
func NewPartitioner(sm *session.Manager, path string, n int, opts ...PartitionerOption) *Partitioner {
	p := &Partitioner{sm: bridge.Core(sm), path: path, n: n, group: NewGroup(sm, path+"/"+membersDir), settle: defaultSettle}
	misuse.Apply("groupmembership.NewPartitioner", p, opts)
	p.group.err = cmp.Or(p.group.err, p.group.opts.validate())
	p.err = cmp.Or(p.validate(), p.group.err)
	return p
}

func (p *Partitioner) validate() error {
	if err := znode.Validate(p.path); err != nil {
		return err
	}
	if p.n < 1 || p.n > maxPartitions {
		return fmt.Errorf("the number of partitions is %d; give a number from 1 to %d", p.n, maxPartitions)
	}
	if p.settle == defaultSettle {
		return nil
	}
	return bounds.NotNegative("Settle", p.settle)
}

// defaultSettle is the time to settle without the option.
const defaultSettle time.Duration = math.MinInt64

// The directories of members and claims, below the path.
const (
	membersDir = "members"
	claimsDir  = "claims"
)

// made panics for a Partitioner that was not made by NewPartitioner, or that
// was given no Manager.
func (p *Partitioner) made() {
	misuse.If(p == nil || p.sm == nil, "a Partitioner without a Manager is used: "+
		"get one from groupmembership.NewPartitioner, with the Manager of session.Dial")
}

// Path returns the path of the partitioner.
func (p *Partitioner) Path() string {
	misuse.ZeroValue(p == nil, "or nil groupmembership.Partitioner", "groupmembership.NewPartitioner")
	return p.path
}

// Group returns the group of the members, which can be listed and watched.
func (p *Partitioner) Group() *Group {
	misuse.ZeroValue(p == nil, "or nil groupmembership.Partitioner", "groupmembership.NewPartitioner")
	return p.group
}

func (p *Partitioner) claims() string { return znode.Join(p.path, claimsDir) }

func (p *Partitioner) claim(number int) string {
	return znode.Join(p.claims(), strconv.Itoa(number))
}

// Partition is a partition that this member owns. session.Hold describes its
// methods: Token (the fencing token, which grows from owner to owner), Err,
// Deadline and others. It has no Guard (session.ErrNoGuard), because the next
// owner's claim has the same path. Give the token to the store that you write
// to.
type Partition struct {
	session.Hold
	// Number is the number of the partition, from 0.
	Number int
}

// PartitionOwner describes the owner of a partition by its claim. Without a
// claim, the partition has no owner, and all fields but Number are zero.
type PartitionOwner struct {
	// Owner describes the claim. ID is the id of the member, and Since is when
	// it claimed the partition. Token is the fencing token. A claim does not
	// tell Host and PID. Session is zero if the claim is persistent, perhaps
	// made by hand: the partition cannot be owned until that znode is deleted.
	session.Owner
	Number int `json:"partition"` // of the partition, from 0
	// Err is why the claim could not be read, such as session.ErrNoAuth. Only
	// Number, Path and Hidden are known then.
	Err error `json:"-"`
}

// Owners lists all partitions with their owners, in order. The connected server
// may lag.
//
// ctx bounds the reads. Owners is safe for concurrent use. Errors: ctx's;
// session.ErrClosed; a path or number that cannot be used; ErrPartitionCount if
// the members divide another number of partitions; session.ErrNoAuth if a znode
// may not be read. With session.ErrNoAuth for single znodes the owners
// are returned as well: PartitionOwner.Err says which claims are unknown.
func (p *Partitioner) Owners(ctx context.Context) ([]PartitionOwner, error) {
	p.made()
	st, err := p.look(ctx)
	if st == nil {
		return nil, core.Failed("list partition owners", p.path, err)
	}
	// A number that was written already, by the members or by hand, is compared.
	if dir := st.Get(claimsDir); dir != nil && len(dir.Data) > 0 && string(dir.Data) != strconv.Itoa(p.n) {
		return nil, core.Failed("list partition owners", p.path, p.otherCount(string(dir.Data)))
	}
	owners := make([]PartitionOwner, p.n)
	for i := range owners {
		owners[i] = p.owner(st, i)
	}
	return owners, core.Failed("list partition owners", p.path, err)
}

func (p *Partitioner) owner(st *views.TreeState, number int) PartitionOwner {
	o := PartitionOwner{Number: number, Err: st.Refused(claimName(number))}
	switch claim := st.Get(claimName(number)); {
	case claim != nil:
		o.Owner = owner.Of(p.claim(number), claim.Stat)
		o.ID = string(claim.Data)
	case o.Err != nil:
		o.Path, o.Hidden = p.claim(number), errors.Is(o.Err, core.ErrNoAuth)
	}
	return o
}

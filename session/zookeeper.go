package session

import (
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/internal/core"
)

// Stat is what the server knows about a znode. It is the Stat of
// go-zookeeper/zk.
type Stat = zk.Stat

// Hidden reports whether stat is the zero Stat of a znode that exists but that
// the session may not read. See Manager.Exists.
func Hidden(stat Stat) bool { return core.Hidden(stat) }

// ACL is an entry of an access control list: it grants Perms, a sum of Perm
// constants, to the identity ID of Scheme. It is the ACL of go-zookeeper/zk.
type ACL = zk.ACL

// Permissions of an ACL. A sum of several grants each of them.
const (
	// PermRead allows to read the data of a znode and to list its children.
	PermRead int32 = zk.PermRead
	// PermWrite allows to set the data of a znode.
	PermWrite int32 = zk.PermWrite
	// PermCreate allows to create children of a znode.
	PermCreate int32 = zk.PermCreate
	// PermDelete allows to delete children of a znode.
	PermDelete int32 = zk.PermDelete
	// PermAdmin allows to set the ACL of a znode.
	PermAdmin int32 = zk.PermAdmin
	// PermAll allows everything.
	PermAll int32 = zk.PermAll
)

// WorldACL returns an ACL that grants everyone the permissions.
func WorldACL(perms int32) []ACL { return core.WorldACL(perms) }

// AuthACL returns an ACL that grants the permissions to every identity for
// which the creating session has presented credentials. If a session has no
// credentials, its creates with this ACL fail with ErrInvalidACL.
func AuthACL(perms int32) []ACL { return core.AuthACL(perms) }

// DigestACL returns an ACL that grants the permissions to the sessions that
// present Digest(user, password). The ACL holds a hash of the password.
func DigestACL(perms int32, user, password string) []ACL {
	return core.DigestACL(perms, user, password)
}

// CreatorACL returns an ACL that grants everything to the credentials with
// which a znode was created, and nothing to others.
func CreatorACL() []ACL { return core.CreatorACL() }

// Mode says what kind of znode Create makes.
type Mode int32

// The kinds of znodes.
const (
	Persistent          Mode = zk.FlagPersistent
	Ephemeral           Mode = zk.FlagEphemeral
	Sequential          Mode = zk.FlagSequence // persistent, with a sequence number
	EphemeralSequential Mode = zk.FlagEphemeralSequential
	Container           Mode = zk.FlagContainer // removed by the server after its last child
)

// AnyVersion, as the version of Set and Delete, skips the check of the version.
const AnyVersion int32 = core.AnyVersion

// MaxTTL is the longest life that CreateTTL takes, about 34 years.
const MaxTTL time.Duration = core.MaxTTL

// Identity is one identity that a server has given a session.
type Identity struct {
	Scheme string // such as ip, digest, x509, sasl
	ID     string // in the terms of the scheme: an address, or the name of a user
}

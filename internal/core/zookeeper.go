package core

import "github.com/go-zookeeper/zk"

// Errors with which a server answers. They arrive wrapped in an OpError: compare
// with errors.Is. Each is the error of the same name of go-zookeeper/zk, so that
// a program may compare with either.
var (
	// ErrNoNode says that the node does not exist, or that the parent of a node
	// to create does not.
	ErrNoNode = zk.ErrNoNode
	// ErrNodeExists says that a node to create exists already.
	ErrNodeExists = zk.ErrNodeExists
	// ErrBadVersion says that a node does not have the version that a write or
	// a check in a transaction expects.
	ErrBadVersion = zk.ErrBadVersion
	// ErrNotEmpty says that a node to delete has children.
	ErrNotEmpty = zk.ErrNotEmpty
	// ErrNoAuth says that the node's ACL does not grant the session the
	// permission that the operation needs.
	ErrNoAuth = zk.ErrNoAuth
	// ErrNoChildrenForEphemerals says that the parent of a node to create is
	// ephemeral, and an ephemeral node cannot have children.
	ErrNoChildrenForEphemerals = zk.ErrNoChildrenForEphemerals
	// ErrInvalidACL says that the server does not accept the ACL: an entry is
	// malformed, its scheme is unknown to the server, or it is an entry of
	// AuthACL and the session has presented no credentials.
	ErrInvalidACL = zk.ErrInvalidACL
	// ErrAuthFailed says that the server has refused the credentials of the
	// session while an operation was under way. Dial returns ErrAuth instead.
	ErrAuthFailed = zk.ErrAuthFailed
)

// ACL is an entry of an access control list: it grants Perms, a sum of Perm
// constants, to the identity ID of Scheme. It is the ACL of go-zookeeper/zk.
type ACL = zk.ACL

// Permissions of an ACL. A sum of several grants each of them.
const (
	// PermRead allows to read the data of a node and to list its children.
	PermRead int32 = zk.PermRead
	// PermWrite allows to set the data of a node.
	PermWrite int32 = zk.PermWrite
	// PermCreate allows to create children of a node.
	PermCreate int32 = zk.PermCreate
	// PermDelete allows to delete children of a node.
	PermDelete int32 = zk.PermDelete
	// PermAdmin allows to set the ACL of a node.
	PermAdmin int32 = zk.PermAdmin
	// PermAll allows everything.
	PermAll int32 = zk.PermAll
)

// WorldACL returns an ACL that grants everyone the permissions.
func WorldACL(perms int32) []ACL { return zk.WorldACL(perms) }

// AuthACL returns an ACL that grants the permissions to every identity that the
// creating session has presented credentials for. A session without credentials
// cannot create a node with it: the server answers ErrInvalidACL.
func AuthACL(perms int32) []ACL { return zk.AuthACL(perms) }

// DigestACL returns an ACL that grants the permissions to the sessions that
// present Digest(user, password). The ACL holds a hash of the password.
func DigestACL(perms int32, user, password string) []ACL {
	return zk.DigestACL(perms, user, password)
}

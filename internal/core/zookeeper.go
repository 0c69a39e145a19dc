package core

import "github.com/go-zookeeper/zk"

// Errors of the server, documented in package session.
var (
	ErrNoNode                  = zk.ErrNoNode
	ErrNodeExists              = zk.ErrNodeExists
	ErrBadVersion              = zk.ErrBadVersion
	ErrNotEmpty                = zk.ErrNotEmpty
	ErrNoAuth                  = zk.ErrNoAuth
	ErrNoChildrenForEphemerals = zk.ErrNoChildrenForEphemerals
	ErrInvalidACL              = zk.ErrInvalidACL
	ErrAuthFailed              = zk.ErrAuthFailed
)

// ACL is an entry of an access control list.
type ACL = zk.ACL

// Permissions of an ACL.
const (
	PermRead   int32 = zk.PermRead
	PermWrite  int32 = zk.PermWrite
	PermCreate int32 = zk.PermCreate
	PermDelete int32 = zk.PermDelete
	PermAdmin  int32 = zk.PermAdmin
	PermAll    int32 = zk.PermAll
)

// WorldACL returns an ACL that grants everyone the permissions.
func WorldACL(perms int32) []ACL { return zk.WorldACL(perms) }

// AuthACL returns an ACL that grants the permissions to every identity of the
// creating session's credentials. A session without credentials cannot create a
// node with it: the server answers ErrInvalidACL.
func AuthACL(perms int32) []ACL { return zk.AuthACL(perms) }

// DigestACL returns an ACL that grants the permissions to sessions with the
// credential Digest(user, password). The ACL has a hash of the password.
func DigestACL(perms int32, user, password string) []ACL {
	return zk.DigestACL(perms, user, password)
}

package session

import (
	"github.com/docent-go/docent/internal/core"
)

// Sentinel errors. Compare with errors.Is: they arrive wrapped.
var (
	// ErrClosed is returned by every call on a Manager after Close, and by calls
	// on a view, a sequence or a service after their Close. The sessions and
	// holds of a closed Manager end with this cause.
	ErrClosed = core.ErrClosed
	// ErrTrustElapsed is the cause of a session's end if the session may have
	// expired, because no answer has proven for so long that it exists: no
	// quorum has committed a request of a session that holds something, or no
	// server has answered at all.
	ErrTrustElapsed = core.ErrTrustElapsed
	// ErrExpired is the cause of a session's end if a server says that the
	// session has expired, or answers for it with another session.
	ErrExpired = core.ErrExpired
	// ErrRestored is the cause of a session's end if the servers have an earlier
	// history than the session has seen: they were restored from a backup within
	// the session timeout, and what the session had deleted exists again. The
	// session closes itself, so that the servers remove it.
	ErrRestored = core.ErrRestored
	// ErrDisconnected is the cause of a hold's end at a disconnection, under
	// the policy OnDisconnect.
	ErrDisconnected = core.ErrDisconnected
	// ErrDeleted is the cause of a hold's end if its znode is gone: another
	// client has deleted it, or the server has, with the expired session.
	ErrDeleted = core.ErrDeleted
	// ErrLost matches each of the causes above: errors.Is(err, ErrLost) says
	// that a hold or a session has ended without a release. It does not match
	// the ErrClosed of a view, a sequence or a service.
	ErrLost = core.ErrLost

	// ErrReleased is the cause of a hold's end by Release, and the reason why a
	// membership or a registration has ended after Leave or Unregister.
	ErrReleased = core.ErrReleased
	// ErrNoGuard is returned by Txn for the Guard of a hold on a znode at a
	// fixed path, since the znode of the next holder has the same path.
	ErrNoGuard = core.ErrNoGuard

	// ErrSessionEnded says that the session has ended under a call. The cause
	// is wrapped too. A write that was sent wraps ErrUnknownOutcome as well.
	ErrSessionEnded = core.ErrSessionEnded
	// ErrUnknownOutcome says of a write that the server may have done it: its
	// answer was lost, or ctx ended first. Read what you wrote to find out.
	ErrUnknownOutcome = core.ErrUnknownOutcome
	// ErrTooLarge says that a request is larger than the server takes
	// (Config.MaxRequest). It was not sent.
	ErrTooLarge = core.ErrTooLarge
	// ErrAuth is returned by Dial if the server rejects the credentials, or the
	// login by SASL fails on this side.
	ErrAuth = core.ErrAuth
	// ErrUnreachable says that ctx has ended before there was a session. It
	// wraps the last failure of each server, of eight at most, and names the
	// servers that have not answered.
	ErrUnreachable = core.ErrUnreachable
	// ErrNotServing is wrapped by Manager.LastFailure if a server has accepted
	// a connection and closed it without a session. A server without a quorum
	// does so.
	ErrNotServing = core.ErrNotServing
	// ErrUnimplemented is the answer of a server to a kind of request that it
	// does not know, such as an old server's answer to containers.
	ErrUnimplemented = core.ErrUnimplemented
)

// Errors of the recipes. Each is one condition, whatever recipe meets it. They
// arrive wrapped in an OpError: compare with errors.Is.
var (
	// ErrIDTaken says that a member or an instance with the id exists already,
	// of another process or of this one. It is undisturbed.
	ErrIDTaken = core.ErrIDTaken
	// ErrReplaced says that another process has put its znode in the place of
	// this process's, with an option such as Replace.
	ErrReplaced = core.ErrReplaced
	// ErrNotEphemeral says that a znode without a session is where an ephemeral
	// one belongs. Perhaps it was made by hand. It is never deleted.
	ErrNotEphemeral = core.ErrNotEphemeral
	// ErrForeign says that the znode at the path belongs to another recipe or
	// program. It is left as it is.
	ErrForeign = core.ErrForeign
	// ErrReclaim is what the function of a verb that repeats returns, alone or
	// wrapped, to give up its hold without ending the verb: a store has rejected
	// the token, for example. Election.Run and Partitioner.Run then ask for the
	// term or the partition again, with a new token. No call returns it.
	ErrReclaim = core.ErrReclaim
	// ErrUnsafeFile says that a local file is not used: another user of the
	// machine controls the file, a symbolic link to it, or its directory, or it
	// is not a regular file.
	ErrUnsafeFile = core.ErrUnsafeFile
	// ErrLeftOut says that znodes were left out of what was read, because they are
	// beyond a Limit or MaxBytes. What is within the limits is served.
	ErrLeftOut = core.ErrLeftOut
	// ErrRecreated says that a znode was deleted and created again during a
	// write. The write was computed from the old znode, and has replaced the
	// value of the new one.
	ErrRecreated = core.ErrRecreated
	// ErrExposed says that others have rights on a directory or a znode that
	// Config.ACL does not give them, and that Config.Directories rejects that. It
	// matches ErrNoAuth too if the session may not read the ACL.
	ErrExposed = core.ErrExposed
	// ErrExhausted says that a directory has used up its sequence numbers. Their
	// count starts again when the directory, once empty, is deleted.
	ErrExhausted = core.ErrExhausted
)

// Errors with which a server answers. They arrive wrapped in an OpError:
// compare with errors.Is. Each is the error of the same name of
// go-zookeeper/zk, so that a program may compare with either.
var (
	// ErrNoNode says that the znode does not exist, or the parent of a znode to
	// create.
	ErrNoNode = core.ErrNoNode
	// ErrNodeExists says that a znode to create exists already.
	ErrNodeExists = core.ErrNodeExists
	// ErrBadVersion says that a znode does not have the version that a write or
	// a check in a transaction expects.
	ErrBadVersion = core.ErrBadVersion
	// ErrNotEmpty says that a znode to delete has children.
	ErrNotEmpty = core.ErrNotEmpty
	// ErrNoAuth says that the ACL of the znode does not grant the session the
	// permission that the operation needs.
	ErrNoAuth = core.ErrNoAuth
	// ErrNoChildrenForEphemerals says that the parent of a znode to create is
	// ephemeral. Ephemeral znodes cannot have children.
	ErrNoChildrenForEphemerals = core.ErrNoChildrenForEphemerals
	// ErrInvalidACL says that the server does not accept the ACL: an entry is
	// malformed, its scheme is unknown to the server, or it is an entry of
	// AuthACL and the session has no credentials.
	ErrInvalidACL = core.ErrInvalidACL
	// ErrAuthFailed says that the server has rejected the credentials of the
	// session while an operation was under way. Dial returns ErrAuth instead.
	ErrAuthFailed = core.ErrAuthFailed
)

// OpError says which operation failed, on which path, and in which session. It
// wraps the reason, for errors.Is. errors.As finds an OpError in every error of
// a Manager and of a recipe that a request has caused.
type OpError struct {
	Op      string // its verb first: "get", "set acl", "take from queue", …
	Path    string // below the root of the Manager, as the caller wrote it
	Session ID     // 0 without a session
	Err     error
}

// Error returns the operation, the path, the reason and the session. It leaves out
// what an OpError within the reason says again.
func (e *OpError) Error() string {
	return (&core.OpError{Op: e.Op, Path: e.Path, Session: int64(e.Session), Err: e.Err}).Error()
}

// Unwrap returns the reason.
func (e *OpError) Unwrap() error { return e.Err }

// CodeError is an error code with which a server has answered a request, if the
// code has no sentinel error. errors.As finds it. If a write wraps
// ErrUnknownOutcome too, the server may have executed the write.
type CodeError struct {
	// Code is the number, as KeeperException.Code has it: -125 says that a
	// quota is exceeded.
	Code int32
}

// Error names the code, and says what to do about it.
func (e *CodeError) Error() string { return (*core.CodeError)(e).Error() }

// Package core is what recipes need of a hold and what users of a hold must not have: with
// these, a hold can be moved to another node or to another holder, or end without its
// node. A recipe knows when that keeps its promise.
//
// The package session sets the functions at its init. H is its Hold: this package cannot
// name it, since session imports this package.
package core

import "context"

// Holds are the functions of the package session, which takes and returns *Hold as any.
var Holds struct {
	HandOn    func(hold any) (any, error)
	Replace   func(ctx context.Context, hold any, path string, data []byte) (any, error)
	ReleaseBy func(hold any, remove func(lost error) error) error
	OnWrite   func(hold any, f func(data []byte))
}

// HandOn ends the hold as Release does, but leaves its node standing and begins
// another hold on it, with the same token: within one process, a node can serve
// several holders one after the other without a request to the server. The
// context of this hold has ended before that of the next begins.
//
// A hold that was lost is not handed on: the error is that of Release then, and matches
// session.ErrLost. One that was released, handed on or replaced before is refused with an
// error that matches session.ErrReleased. One whose Guard was given out stays as it is, and
// the error is session.ErrGuarded. The next hold may be lost at any moment, as every hold
// may. Release after HandOn does nothing, whatever has become of the node: it returns nil,
// or why the hold was lost before. HandOn is safe for concurrent use.
func HandOn[H any](hold *H) (*H, error) {
	next, err := Holds.HandOn(hold)
	if err != nil {
		return nil, err
	}
	return next.(*H), nil
}

// Replace ends the hold and begins another one, with the same token, on a new ephemeral
// node at path that takes the place of this hold's node. Both changes are one
// transaction: at no instant do both nodes stand, or neither.
//
// The context of this hold ends before anything is sent, with session.ErrReleased: what it
// stood for may be given to others along with its node. So there is no way back: when
// Replace fails, both nodes are removed, in the background if need be, and the error says
// why: ctx's, which bounds the waiting; session.ErrLost, when the hold had ended or ends;
// what the server refused. A ctx that has ended already, and an invalid path, leave the
// hold as it is.
//
// A hold on a claim is not replaced, and stays as it is. A Replace of a hold that was
// released or replaced before is refused with an error that matches session.ErrReleased.
// Release after Replace does nothing: it returns nil, or why the hold was lost before.
// Replace is safe for concurrent use.
func Replace[H any](ctx context.Context, hold *H, path string, data []byte) (*H, error) {
	next, err := Holds.Replace(ctx, hold, path, data)
	if err != nil {
		return nil, err
	}
	return next.(*H), nil
}

// ReleaseBy is Release for a hold whose node goes along with other things, or must not be
// deleted twice because others make one of the same name: remove deletes it. It is called
// at most once, after the context of the hold has ended, with nil if the hold lasted until
// then. It must end at the latest with the session. What it returns is what ReleaseBy and
// every later Release return.
//
// A hold that was lost may be another's: remove is called with the cause, to delete the
// hold's own node and nothing else, and not at all after session.ErrDeleted. The error says
// why the hold was lost, as that of Release does. ReleaseBy is safe for concurrent use.
func ReleaseBy[H any](hold *H, remove func(lost error) error) error {
	return Holds.ReleaseBy(hold, remove)
}

// OnWrite has f called with what the hold's node holds whenever somebody is seen to have
// written into it since it was made; at once, if that has happened already. Of several
// writes in a row it may see the last alone, and one write it may see twice. It costs no
// request: a node of ours is watched, and read again after a write, in any case. f must
// not block; a later call replaces it.
func OnWrite[H any](hold *H, f func(data []byte)) { Holds.OnWrite(hold, f) }

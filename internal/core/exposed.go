package core

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/base/grace"
	"github.com/docent-go/docent/internal/base/znode"
)

// The ACL of a znode does not protect it from deletion: the ACL of its directory
// does. A directory that another client made first keeps that client's ACL. So
// a session with an ACL of its own checks the directories in which it creates
// znodes, and the znodes of others that it writes.
//
// While a znode of this session exists in a directory, the directory cannot be
// deleted. So a check after the create holds for as long as the znode exists,
// unless a client with the right to change the ACL does so. The check before
// the create cannot tell that: the directory may be deleted and created again
// between the two.
//
// WarnExposed checks after the create, in the background, once per directory and
// session. A list that shows another incarnation or another ACL of the directory
// has it checked again.
//
// RejectExposed checks before the create. For a znode of a hold (Enter, Claim)
// and for any other ephemeral znode, it checks again after the create, before
// the create is reported: by the stat of the directory in the list that Enter
// requests, or by a read. For other creates and for transactions the check
// before is at most vetAge old.

// DirectoryPolicy says what to do about a directory in which others may create
// or delete znodes. It is documented in package session.
type DirectoryPolicy int

// The policies.
const (
	WarnExposed DirectoryPolicy = iota
	RejectExposed
	IgnoreExposed
)

const (
	maxVetted  = 1000 // the number of checked znodes that a session remembers
	maxVetting = 16   // the number of checks in the background at a time
	vetAge     = time.Second
	anyAge     = time.Duration(math.MaxInt64)
)

// vetKey is a znode that is checked.
type vetKey struct {
	path    string
	written bool // it is a znode that the session writes; otherwise it is a directory
}

// mask has the permissions that only trusted identities may have.
func (k vetKey) mask() int32 {
	if k.written {
		return PermWrite | PermAdmin
	}
	return dangerous
}

// verdict is the result of a check.
type verdict struct {
	czxid    int64
	aversion int32
	at       time.Time
	pending  bool // a check in the background is running
	unread   bool // the session may not read the ACL
	exposed  bool
}

// covers reports whether the verdict is about the directory with the stat.
func (v verdict) covers(stat Stat) bool {
	return v.czxid == stat.Czxid && v.aversion == stat.Aversion
}

// vetting is what a session remembers of its checks.
type vetting struct {
	identities atomic.Pointer[[]Identity]

	mu      sync.Mutex
	known   map[vetKey]verdict
	running int           // checks in the background
	idle    chan struct{} // closed when no check is running; nil if none is
}

func (t *vetting) get(key vetKey) (verdict, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, ok := t.known[key]
	return v, ok
}

func (t *vetting) put(key vetKey, v verdict) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.store(key, v)
}

// store remembers a verdict in place of any other if there are too many. The
// caller holds mu.
func (t *vetting) store(key vetKey, v verdict) {
	if t.known == nil {
		t.known = make(map[vetKey]verdict)
	}
	if _, known := t.known[key]; !known && len(t.known) >= maxVetted {
		for other := range t.known {
			delete(t.known, other)
			break
		}
	}
	t.known[key] = v
}

// begin reports whether the znode has to be checked, and notes that the check
// is running. stat is the stat of the directory if it is known.
func (t *vetting) begin(key vetKey, stat *Stat) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, known := t.known[key]
	if known && (v.pending || v.unread || stat == nil || v.covers(*stat)) || t.running >= maxVetting {
		return false
	}
	if t.running++; t.idle == nil {
		t.idle = make(chan struct{})
	}
	t.store(key, verdict{pending: true})
	return true
}

// end notes that a check in the background has ended. A check without a result
// is forgotten.
func (t *vetting) end(key vetKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known[key].pending {
		delete(t.known, key)
	}
	if t.running--; t.running == 0 {
		close(t.idle)
		t.idle = nil
	}
}

// awaitChecks waits until the checks in the background have ended, at most for
// a second.
func (m *Manager) awaitChecks() {
	m.mu.Lock()
	s := m.current
	m.mu.Unlock()
	if s == nil || !s.warns() {
		return
	}
	s.vetted.mu.Lock()
	idle := s.vetted.idle
	s.vetted.mu.Unlock()
	if idle != nil {
		grace.For(idle)
	}
}

func (s *Session) rejects() bool { return s.m.vets && s.m.cfg.Directories == RejectExposed }
func (s *Session) warns() bool   { return s.m.vets && s.m.cfg.Directories == WarnExposed }

// admit is called before a create in the directory. It returns an error that
// matches ErrExposed if the policy rejects the directory. age is the maximum age
// of an earlier check. A missing directory is admitted.
func (s *Session) admit(ctx context.Context, dir string, age time.Duration) error {
	if !s.rejects() {
		return nil
	}
	return s.vet(ctx, vetKey{path: dir}, age)
}

// secured is called after the session has created a znode in the directory,
// before the znode serves a hold. stat is the stat of the directory from a list
// that has the znode, or nil.
func (s *Session) secured(ctx context.Context, dir string, stat *Stat) error {
	key := vetKey{path: dir}
	switch {
	case s.warns():
		s.notice(key, stat)
	case s.rejects():
		if v, ok := s.vetted.get(key); ok && !v.exposed && stat != nil && v.covers(*stat) {
			return nil
		}
		return s.vet(ctx, key, 0)
	}
	return nil
}

// noticeDir is called after a create in the directory that serves no hold.
func (s *Session) noticeDir(dir string) {
	if s.warns() {
		s.notice(vetKey{path: dir}, nil)
	}
}

// AdmitWrite is called before a write to a znode that several processes write,
// such as a config key. It checks the rights of others to write the znode,
// to delete it and to create another one. With RejectExposed the error matches
// ErrExposed, and ctx bounds the check. With WarnExposed the check is in the
// background, and the error is nil. A missing znode is admitted.
func (s *Session) AdmitWrite(ctx context.Context, path string) error {
	s.made()
	if znode.Validate(path) != nil {
		return nil // the write reports it
	}
	dir, _ := znode.Split(path)
	keys := [...]vetKey{{path, true}, {path: dir}}
	for _, key := range keys {
		switch {
		case s.warns():
			s.notice(key, nil)
		case s.rejects():
			if err := s.vet(ctx, key, vetAge); err != nil {
				return err
			}
		}
	}
	return nil
}

// AdmitWrite is Session.AdmitWrite in the current session.
func (m *Manager) AdmitWrite(ctx context.Context, path string) error {
	m.made()
	if !m.vets {
		return nil
	}
	_, err := inSession(ctx, m, "get acl", path, func(s *Session) (struct{}, error) {
		return struct{}{}, s.AdmitWrite(ctx, path)
	})
	return err
}

// vet reads the ACL of the znode, unless a check that is younger than age has
// found nothing.
func (s *Session) vet(ctx context.Context, key vetKey, age time.Duration) error {
	if v, ok := s.vetted.get(key); ok && !v.exposed && time.Since(v.at) < age {
		return nil
	}
	acl, stat, err := s.ACL(ctx, key.path)
	return s.judge(ctx, key, aclNode{acl, stat}, err)
}

// judge turns the answer to a read of the znode's ACL into a verdict. With err,
// the read failed. A znode that is missing is not exposed.
func (s *Session) judge(ctx context.Context, key vetKey, read aclNode, err error) error {
	v := verdict{czxid: read.stat.Czxid, aversion: read.stat.Aversion, at: time.Now()}
	switch {
	case errors.Is(err, ErrNoNode):
		return nil
	case errors.Is(err, ErrNoAuth):
		v.unread, v.exposed = true, true
		s.vetted.put(key, v)
		return &exposedError{key: key, err: ErrNoAuth}
	case err != nil:
		return err
	}
	trusted, unknown, err := s.trustedACL(ctx, read.acl)
	if err != nil {
		return err
	}
	grants := beyond(read.acl, trusted, key.mask(), unknown)
	v.exposed = len(grants) > 0
	s.vetted.put(key, v)
	if v.exposed {
		return &exposedError{key: key, grants: grants}
	}
	return nil
}

// notice checks the znode in the background, unless the session has checked it
// before, and logs what others may do.
func (s *Session) notice(key vetKey, stat *Stat) {
	if !s.vetted.begin(key, stat) {
		return
	}
	spawned := s.spawn(func() {
		defer s.vetted.end(key)
		// The read ends with the session at the latest.
		err := s.vet(context.Background(), key, 0)
		var exposed *exposedError
		if errors.As(err, &exposed) && s.m.warned.first(key) {
			s.m.log.Warn("others have rights on a directory or a znode that this program uses",
				"path", key.path, "rights", exposed.rights(), "so", exposed.consequence(), "see", exposed.command())
		}
	})
	if !spawned {
		s.vetted.end(key)
	}
}

// warned has the znodes about which a Manager has logged a warning.
type warned struct {
	mu   sync.Mutex
	keys map[vetKey]struct{}
}

// first reports whether it is called for the first time with the key. It
// remembers maxVetted keys.
func (w *warned) first(key vetKey) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.keys[key]; known {
		return false
	}
	if w.keys == nil {
		w.keys = make(map[vetKey]struct{})
	}
	if len(w.keys) >= maxVetted {
		for other := range w.keys {
			delete(w.keys, other)
			break
		}
	}
	w.keys[key] = struct{}{}
	return true
}

// exposedError lists the rights of others on a directory or a znode. It matches
// ErrExposed, and ErrNoAuth if the session may not read the ACL.
type exposedError struct {
	key    vetKey
	grants []Grant
	err    error
}

func (e *exposedError) Error() string {
	return fmt.Sprintf("%s: %s, %s; see %q", e.line(), e.rights(), e.consequence(), e.command())
}

func (e *exposedError) Is(target error) bool { return target == ErrExposed }
func (e *exposedError) Unwrap() error        { return e.err }

// line is the sentence without the identities.
func (e *exposedError) line() string {
	switch {
	case e.err != nil:
		return "it cannot be told who has rights on " + e.what()
	case e.key.written:
		return "others may change the znode " + e.key.path
	}
	return "others have rights on " + e.what()
}

func (e *exposedError) what() string {
	if e.key.written {
		return "the znode " + e.key.path
	}
	return "the directory " + e.key.path
}

func (e *exposedError) rights() string {
	if e.err != nil {
		return "this session may not read its ACL"
	}
	return grantsText(e.grants)
}

// consequence says what the rights let the others do.
func (e *exposedError) consequence() string {
	var perms int32
	for _, g := range e.grants {
		perms |= g.Perms
	}
	switch {
	case e.err != nil:
		return "so others may have the right to delete what this program creates"
	case e.key.written:
		return "so they can replace its value"
	case perms&(PermDelete|PermAdmin) != 0:
		return "so they can delete the znodes of this program and end its holds"
	}
	return "so they can put znodes before and beside those of this program"
}

// command is the command that says more.
func (e *exposedError) command() string { return "docent acl check " + e.key.path }

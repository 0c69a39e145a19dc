package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/stamp"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/recognise"
)

// HistoryDir is the name of the znode beside a key that has the key's history:
// the history of /config/db/limits is in /config/db/.history/limits.
const HistoryDir = recognise.HistoryDir

// MaxHistory is the maximum number of values that a History keeps.
const MaxHistory = 1000

// History writes keys of a Store and keeps the last values of each key, for
// List and Rollback. It is safe for concurrent use, also by many processes. Its
// zero value and nil panic in every method.
//
// A kept value is a persistent sequential znode, created in the transaction
// that writes the key. Both have the zxid of that transaction, so they never
// disagree. A value that was written without the History (with Store.Set, or by
// another tool) is recognised, since no znode of the history has its zxid. The
// next write with a History keeps such a value too, marked as External. Of
// several writes without the History, only the last value can be kept.
//
// All writers of a key should keep the same number of values. The new value is
// sent twice, with an external value that it replaces, in one request: values
// of up to a third of session.Config.MaxRequest always fit.
type History struct {
	s    *Store
	keep int
}

// History returns a History that keeps the last n values of each key, including
// the present value. n is from 1 to MaxHistory. History does no I/O. If n is
// out of range, every call on the result returns the error.
func (s *Store) History(n int) *History { return &History{s, n} }

// Revision is a present or earlier value of a key.
type Revision struct {
	ID      int32  // identifies the value for Rollback; later values have greater IDs
	Data    []byte // the value
	Zxid    int64  // of the transaction that wrote the value; if External, that kept it
	ModTime time.Time
	// Present says that the key has this value now.
	Present bool
	// External says that the value was written without the History.
	External bool
	// Hidden says that the ACL of the znode that keeps the value does not let
	// this session read it. Data is nil then, and fields that the server does
	// not send are zero.
	Hidden bool
}

// The name of a node of a history has the kind of its write, a unique mark of
// the write, and a sequence number. Other nodes are ignored.
const (
	ownValue      = "set-"
	externalValue = "was-"
	markLength    = 26 // of rand.Text
)

// record is a node of a history.
type record struct {
	name     string
	mark     string
	seq      znode.Seq
	external bool
}

func parseRecord(name string) (record, bool) {
	rest, own := strings.CutPrefix(name, ownValue)
	if !own {
		var external bool
		if rest, external = strings.CutPrefix(name, externalValue); !external {
			return record{}, false
		}
	}
	if len(rest) <= markLength {
		return record{}, false
	}
	mark := rest[:markLength]
	seq, ok := znode.ParseSeq(name, mark+"-")
	return record{name, mark, seq, !own}, ok
}

// paths returns the node of a key and the node of its history.
func (h *History) paths(key string) (path, dir string, err error) {
	misuse.ZeroValue(h == nil || h.s == nil, "or nil config.History", "Store.History")
	path, err = h.s.path(key)
	if err == nil && (h.keep < 1 || h.keep > MaxHistory) {
		err = fmt.Errorf("History(%d): a history keeps 1 to %d values", h.keep, MaxHistory)
	}
	return path, recognise.HistoryOf(path), err
}

// records lists a history, oldest first.
func (h *History) records(ctx context.Context, s *core.Session, dir string) ([]record, error) {
	names, _, err := s.Children(ctx, dir)
	if err != nil && !errors.Is(err, core.ErrNoNode) {
		return nil, err
	}
	var records []record
	for _, name := range names {
		if r, ok := parseRecord(name); ok {
			records = append(records, r)
		}
	}
	if len(records) > 0 {
		first := records[0].seq // numbers wrap: only their differences can be compared
		slices.SortFunc(records, func(a, b record) int { return cmp.Compare(a.seq-first, b.seq-first) })
	}
	return records, nil
}

// List returns the kept values of a key, newest first. For a key without a
// history the list is empty, without an error. If the newest value is not
// Present, the key was written without the History, or deleted. A value that
// may not be read is listed with Hidden. Beyond DefaultMaxBytes, List returns
// the newest values, and an error that matches session.ErrLeftOut. ctx bounds the
// call.
//
// Errors: session.ErrNoAuth if the history may not be listed;
// session.ErrClosed; an invalid path or number of values.
func (h *History) List(ctx context.Context, key string) ([]Revision, error) {
	path, dir, err := h.paths(key)
	var s *core.Session
	if err == nil {
		s, err = h.s.sm.Session(ctx)
	}
	var revisions []Revision
	if err == nil {
		revisions, err = h.list(ctx, s, path, dir)
	}
	return revisions, core.Failed("list history", path, err)
}

func (h *History) list(ctx context.Context, s *core.Session, path, dir string) ([]Revision, error) {
	if err := s.Sync(ctx, path); err != nil {
		return nil, err
	}
	now, found, err := s.Exists(ctx, path) // a hidden key's values are listed too
	if err != nil {
		return nil, err
	}
	records, err := h.records(ctx, s, dir)
	if err != nil {
		return nil, err
	}
	slices.Reverse(records)
	paths := make([]string, len(records))
	for i, r := range records {
		paths[i] = znode.Join(dir, r.name)
	}
	nodes, err := s.SeeSome(ctx, paths, DefaultMaxBytes)
	if err != nil {
		return nil, err
	}
	if n := len(paths) - len(nodes); n > 0 {
		err = fmt.Errorf("%w: the %d oldest of %d values are not read, because the others have %d bytes",
			core.ErrLeftOut, n, len(paths), DefaultMaxBytes)
	}
	var revisions []Revision
	for i, r := range records[:len(nodes)] {
		node := nodes[i]
		if node == nil {
			continue // trimmed in the meantime
		}
		v := Revision{ID: int32(r.seq), Data: node.Data, External: r.external, Hidden: node.Hidden}
		if !core.Hidden(node.Stat) {
			v.Zxid, v.ModTime = node.Stat.Czxid, stamp.Millis(node.Stat.Ctime)
			v.Present = found && !core.Hidden(now) && !r.external && node.Stat.Czxid == now.Mzxid
		}
		revisions = append(revisions, v)
	}
	return revisions, err
}

// Set writes a key that exists, if it has the given version, or any version
// with session.AnyVersion, and keeps the value. If the answer is lost, Set
// finds out whether the write was done, and repeats it if it was not. ctx bounds
// the call.
//
// Errors: session.ErrNoNode; session.ErrBadVersion; session.ErrNoAuth;
// session.ErrForeign; session.ErrTooLarge; session.ErrClosed; an invalid path
// or number of values; session.ErrUnknownOutcome if Set cannot find out whether
// the write was done, for instance since ctx has ended.
func (h *History) Set(ctx context.Context, key string, data []byte, version int32) (Entry, error) {
	return h.write(ctx, "set key", key, data, version, false)
}

// Put writes a key whether it exists or not, and keeps the value. Otherwise it
// works as Set. ctx bounds the call. Errors: the errors of Set, without
// session.ErrNoNode and session.ErrBadVersion.
func (h *History) Put(ctx context.Context, key string, data []byte) (Entry, error) {
	return h.write(ctx, "put key", key, data, core.AnyVersion, true)
}

// Rollback writes the value with the ID again, as the newest, and returns the
// key as written. A deleted key is created again. Errors: ErrNoRevision; the
// errors of Put. ctx bounds the call.
func (h *History) Rollback(ctx context.Context, key string, id int32) (Entry, error) {
	const op = "roll back key"
	path, dir, err := h.paths(key)
	var data []byte
	if err == nil {
		data, err = h.find(ctx, dir, id)
	}
	if err != nil {
		return failed(op, path, Entry{}, err)
	}
	return h.write(ctx, op, key, data, core.AnyVersion, true)
}

func (h *History) find(ctx context.Context, dir string, id int32) ([]byte, error) {
	s, err := h.s.sm.Session(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.Sync(ctx, dir); err != nil {
		return nil, err
	}
	records, err := h.records(ctx, s, dir)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		if int32(r.seq) != id {
			continue
		}
		data, _, err := s.Get(ctx, znode.Join(dir, r.name))
		if errors.Is(err, core.ErrNoNode) {
			break
		}
		return data, err
	}
	return nil, fmt.Errorf("value %d: %w", id, ErrNoRevision)
}

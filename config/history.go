package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/recognise"
	"github.com/docent-go/docent/internal/znode"
)

// HistoryDir is the name of the node beside a key that has the key's history:
// the history of /config/db/limits is in /config/db/.history/limits.
const HistoryDir = recognise.HistoryDir

// MaxHistory is the maximum number of values that a History keeps.
const MaxHistory = 1000

// ErrNoPast is returned by Rollback if the key's history has no such value. It
// matches session.ErrNoNode too.
var ErrNoPast = fmt.Errorf("the key's history has no such value: %w", core.ErrNoNode)

// History writes keys of a Store and keeps the last values of each key, for
// List and Rollback. It is safe for concurrent use, also by many processes.
//
// A kept value is a persistent sequential node, created in the transaction that
// writes the key. Both have the zxid of that transaction, so they never
// disagree. A value that was written without the History (with Store.Set, or by
// another tool) is recognised, since no node of the history has its zxid. The
// next write with a History keeps such a value too, marked as Foreign. Of
// several writes without the History, only the last value can be kept.
//
// All writers of a key should keep the same number of values. The new value is
// sent twice, with a foreign value that it replaces, in one request: values of
// up to a third of session.Config.MaxRequest always fit.
type History struct {
	s    *Store
	keep int
}

// History returns a History that keeps the last n values of each key, including
// the present value. n is from 1 to MaxHistory. History does no I/O. If n is
// out of range, every call on the result returns the error.
func (s *Store) History(n int) *History { return &History{s, n} }

// Past is a present or earlier value of a key.
type Past struct {
	ID      int32  // identifies the value for Rollback; later values have greater IDs
	Data    []byte // the value
	Zxid    int64  // of the transaction that wrote the value; if Foreign, that kept it
	ModTime time.Time
	// Present says that the key has this value now.
	Present bool
	// Foreign says that the value was written without the History.
	Foreign bool
	// Hidden says that the ACL of the node that keeps the value does not let
	// this session read it. Data is nil then, and fields that the server does
	// not send are zero.
	Hidden bool
}

// The name of a node of a history has the kind of its write, a unique mark of
// the write, and a sequence number. Other nodes are ignored.
const (
	ownValue     = "set-"
	foreignValue = "was-"
	markLength   = 26 // of rand.Text
)

// record is a node of a history.
type record struct {
	name    string
	mark    string
	seq     znode.Seq
	foreign bool
}

func parseRecord(name string) (record, bool) {
	rest, own := strings.CutPrefix(name, ownValue)
	if !own {
		var foreign bool
		if rest, foreign = strings.CutPrefix(name, foreignValue); !foreign {
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

// dirs returns the node of a key and the node of its history.
func (h *History) dirs(key string) (path, dir string, err error) {
	misuse.ZeroValue(h == nil || h.s == nil, "or nil config.History", "Store.History")
	if h.keep < 1 || h.keep > MaxHistory {
		return "", "", h.s.failed(key, fmt.Errorf("a history keeps 1 to %d values, not %d", MaxHistory, h.keep))
	}
	path, err = h.s.path(key)
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
// may not be read is listed with Hidden. ctx bounds the call.
func (h *History) List(ctx context.Context, key string) ([]Past, error) {
	path, dir, err := h.dirs(key)
	if err != nil {
		return nil, err
	}
	s, err := h.s.sm.Session(ctx)
	if err != nil {
		return nil, h.s.failed(key, err)
	}
	past, err := h.list(ctx, s, path, dir)
	if err != nil {
		return nil, h.s.failed(key, err)
	}
	return past, nil
}

func (h *History) list(ctx context.Context, s *core.Session, path, dir string) ([]Past, error) {
	if err := s.Sync(ctx, path); err != nil {
		return nil, err
	}
	now, found, err := s.StatOf(ctx, path)
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
	nodes, err := s.SeeMany(ctx, paths)
	if err != nil {
		return nil, err
	}
	var past []Past
	for i, r := range records {
		node := nodes[i]
		if node == nil {
			continue // trimmed in the meantime
		}
		p := Past{ID: int32(r.seq), Data: node.Data, Foreign: r.foreign, Hidden: node.Hidden}
		if !core.Hidden(node.Stat) {
			p.Zxid, p.ModTime = node.Stat.Czxid, time.UnixMilli(node.Stat.Ctime)
			p.Present = found && !r.foreign && node.Stat.Czxid == now.Mzxid
		}
		past = append(past, p)
	}
	return past, nil
}

// Set writes a key that exists, if it has the given version, or any version
// with AnyVersion, and keeps the value. If the answer is lost, Set finds out
// whether the write was done, and repeats it if it was not. ctx bounds the
// call.
//
// Errors: session.ErrNoNode; session.ErrBadVersion; session.ErrNoAuth;
// ErrNotKey; session.ErrTooLarge; session.ErrUnknownOutcome if Set cannot find
// out whether the write was done, for instance since ctx has ended.
func (h *History) Set(ctx context.Context, key string, data []byte, version int32) (Entry, error) {
	return h.write(ctx, key, data, version, false)
}

// Put writes a key whether it exists or not, and keeps the value. Otherwise it
// works as Set. Errors: the errors that Set lists, without session.ErrNoNode
// and session.ErrBadVersion.
func (h *History) Put(ctx context.Context, key string, data []byte) (Entry, error) {
	return h.write(ctx, key, data, AnyVersion, true)
}

// Rollback writes the value with the ID again, as the newest, and returns the
// key as written. A deleted key is created again. Errors: ErrNoPast; the errors
// that Put lists. ctx bounds the call.
func (h *History) Rollback(ctx context.Context, key string, id int32) (Entry, error) {
	_, dir, err := h.dirs(key)
	if err != nil {
		return Entry{}, err
	}
	data, err := h.find(ctx, dir, id)
	if err != nil {
		return Entry{}, h.s.failed(key, err)
	}
	return h.Put(ctx, key, data)
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
	return nil, fmt.Errorf("value %d: %w", id, ErrNoPast)
}

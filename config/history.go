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

// HistoryDir is the name of the node beside a key in which its history lies:
// that of /config/db/limits is in /config/db/.history/limits.
const HistoryDir = recognise.HistoryDir

// MaxHistory is the greatest number of values that a History keeps.
const MaxHistory = 1000

// ErrNoPast is returned by Rollback when there is no such value. It is a
// session.ErrNoNode too.
var ErrNoPast = fmt.Errorf("there is no such value in the key's history: %w", core.ErrNoNode)

// History writes keys of a Store and keeps the last values of each, to look at
// and to go back to. It is safe for concurrent use, also by many processes.
//
// A value is a persistent sequential node, made in the same transaction as the
// write of the key itself: the zxid that made the one wrote the other, so the
// two never disagree. That is also how a value is known that was written past
// the History (with Store.Set, or by any other tool): no node has its zxid. The
// next write through a History keeps such a value as well, marked as Foreign;
// of several that follow each other past the History only the last is left to
// be kept.
//
// All who write a key with a History should keep the same number. The write,
// the new value once more, and a foreign one that it replaces have to fit in
// one request: values of up to a third of session.Config.MaxRequest always do.
type History struct {
	s    *Store
	keep int
}

// History returns a History that keeps the last n values of each key, the
// present one among them; n is from 1 to MaxHistory. It does no I/O; each call
// fails if n is out of range.
func (s *Store) History(n int) *History { return &History{s, n} }

// Past is a value that a key has or had.
type Past struct {
	ID      int32  // names it, for Rollback; later ones have greater IDs
	Data    []byte // what the key held
	Zxid    int64  // of the transaction that wrote it, or that kept it if it is Foreign
	ModTime time.Time
	// Present says that it is what the key holds.
	Present bool
	// Foreign says that it was written past the History.
	Foreign bool
	// Hidden says that the ACL of the node that keeps the value does not let this
	// session read it: Data is nil then, and whatever else the server keeps back is
	// zero.
	Hidden bool
}

// The nodes of a history are named by who wrote the value, a mark that no other
// write has, and a sequence number. Anything else there is left alone.
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

// dirs returns the node of a key and that of its history.
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
		first := records[0].seq // numbers wrap: only their distance has a meaning
		slices.SortFunc(records, func(a, b record) int { return cmp.Compare(a.seq-first, b.seq-first) })
	}
	return records, nil
}

// List returns the values that are kept of a key, newest first. A key without a
// history has none; that is no error. If the newest is not Present, the key
// has been written past the History, or was deleted. A value that may not be read
// is listed with Hidden.
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

// Set writes a key that exists, if it has the given version, or AnyVersion, and
// keeps the value. It fails as Store.Set does. When the answer is lost, it finds
// out what has become of the write, and repeats it where it was not done:
// session.ErrUnknownOutcome remains for when ctx or the session ends before.
func (h *History) Set(ctx context.Context, key string, data []byte, version int32) (Entry, error) {
	return h.write(ctx, key, data, version, false)
}

// Put writes a key whether it exists or not, and keeps the value. It fails as
// Set does, except that there is no session.ErrNoNode.
func (h *History) Put(ctx context.Context, key string, data []byte) (Entry, error) {
	return h.write(ctx, key, data, AnyVersion, true)
}

// Rollback writes the value with the ID once more, as the newest, and returns
// the key as it then is. A key that was deleted is made again. It fails with
// ErrNoPast where there is no such value, and as Put does.
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

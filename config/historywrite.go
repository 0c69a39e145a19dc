package config

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/znode"
)

// keeping is a running write of a History.
type keeping struct {
	*History
	key, path, dir string
	data           []byte
	mark           string
	version        int32 // the expected version, or AnyVersion
	create         bool

	tried bool     // a transaction with an unknown outcome was sent
	doubt error    // the error of that transaction
	over  int32    // the version that it replaces; -1 if it creates the key
	czxid int64    // of the node that it writes
	knew  []record // the records before it
}

func (h *History) write(ctx context.Context, key string, data []byte, version int32, create bool) (Entry, error) {
	path, dir, err := h.dirs(key)
	if err != nil {
		return Entry{}, err
	}
	k := &keeping{
		History: h, key: key, path: path, dir: dir, data: data, mark: rand.Text(), version: version, create: create,
	}
	for tries := 0; ; tries++ {
		err := conflicts.Wait(ctx, tries-1)
		var done Entry
		if err == nil {
			done, err = k.try(ctx)
		}
		switch {
		case err == nil:
			return done, nil
		case errors.Is(err, errConflict), errors.Is(err, core.ErrSessionEnded) && ctx.Err() == nil && !errors.Is(err, core.ErrClosed):
		case k.tried && !errors.Is(err, core.ErrUnknownOutcome):
			return Entry{}, h.s.failed(key, fmt.Errorf("%w; then: %w", k.doubt, err))
		default:
			return Entry{}, h.s.failed(key, err)
		}
	}
}

// errConflict says that the key or its history changed between the reads and
// the write.
var errConflict = errors.New("the key has changed in the meantime")

// try reads the key and its history, and writes both in one transaction, which
// the server refuses if the key is not as it was read.
func (k *keeping) try(ctx context.Context) (Entry, error) {
	s, err := k.s.sm.Session(ctx)
	if err != nil {
		return Entry{}, err
	}
	if err := s.Sync(ctx, k.path); err != nil {
		return Entry{}, err
	}
	old, stat, err := s.Get(ctx, k.path)
	found := err == nil
	if err != nil && !errors.Is(err, core.ErrNoNode) {
		return Entry{}, err
	}
	records, err := k.records(ctx, s, k.dir)
	if err != nil {
		return Entry{}, err
	}
	if k.tried {
		if done, settled, err := k.resolve(ctx, s, records, stat, found); settled || err != nil {
			return done, err
		}
	}
	switch {
	case !found && !k.create:
		return Entry{}, core.ErrNoNode
	case found && k.version != AnyVersion && stat.Version != k.version:
		return Entry{}, core.ErrBadVersion
	case found && stat.Version == AnyVersion:
		return Entry{}, errors.New("the node's version is -1, which ZooKeeper cannot compare: set it once with Store.Set")
	}
	foreign := false
	if found {
		if err := (write{data: k.data, version: k.version}).allowed(ctx, s, k.path, old, stat); err != nil {
			return Entry{}, err
		}
		if foreign, err = k.foreign(ctx, s, records, stat); err != nil {
			return Entry{}, err
		}
	}
	return k.commit(ctx, s, found, stat, old, foreign, records)
}

// foreign reports whether no record has the key's value.
func (k *keeping) foreign(ctx context.Context, s *core.Session, records []record, stat core.Stat) (bool, error) {
	for _, r := range slices.Backward(records) {
		if r.foreign {
			continue
		}
		at, found, err := s.StatOf(ctx, znode.Join(k.dir, r.name))
		if err != nil {
			return false, err
		}
		// Only the newest record of a History's own writes can be present.
		return !found || at.Czxid != stat.Mzxid, nil
	}
	return true, nil
}

// commit makes one transaction of the write, the record and the trimming.
func (k *keeping) commit(ctx context.Context, s *core.Session, found bool, stat core.Stat, old []byte,
	foreign bool, records []record) (Entry, error) {
	var ops []core.Op
	fresh := 1
	if found {
		ops = append(ops, core.SetOp(k.path, k.data, stat.Version))
	} else {
		ops = append(ops, core.CreateOp(k.path, k.data, core.Persistent))
	}
	if foreign && k.keep > 1 {
		fresh++
		ops = append(ops, core.CreateOp(k.prefix(foreignValue), old, core.Sequential))
	}
	ops = append(ops, core.CreateOp(k.prefix(ownValue), k.data, core.Sequential))
	for _, r := range records[:max(0, min(len(records), len(records)+fresh-k.keep))] {
		trimmed := append(ops, core.DeleteOp(znode.Join(k.dir, r.name), AnyVersion))
		if k.s.sm.Fits(trimmed...) != nil {
			break // the next writes trim the rest
		}
		ops = trimmed
	}
	results, err := s.Txn(ctx, ops...)
	switch {
	case err == nil && found:
		return entry(k.key, k.path, k.data, results[0].Stat), nil
	case err == nil:
		return k.made(ctx, s)
	case errors.Is(err, core.ErrUnknownOutcome):
		k.tried, k.doubt, k.over, k.czxid, k.knew = true, err, -1, 0, records
		if found {
			k.over, k.czxid = stat.Version, stat.Czxid
		}
		if ctx.Err() != nil {
			return Entry{}, err
		}
		return Entry{}, errConflict
	case errors.Is(err, core.ErrNoNode):
		// The key is gone, another writer has trimmed a record, or the
		// directory does not exist yet.
		if err := s.EnsureDir(ctx, k.dir); err != nil {
			return Entry{}, err
		}
		return Entry{}, errConflict
	case isConflict(err):
		return Entry{}, errConflict
	}
	return Entry{}, err
}

func (k *keeping) prefix(kind string) string { return znode.Join(k.dir, kind+k.mark+"-") }

// made reads a created key: the answer to the transaction does not have its
// stat.
func (k *keeping) made(ctx context.Context, s *core.Session) (Entry, error) {
	done := Entry{Key: k.key, Path: k.path, Data: k.data}
	_, stat, err := s.Get(ctx, k.path)
	if err == nil && stat.Version == 0 {
		return entry(k.key, k.path, k.data, stat), nil
	}
	return done, nil // overwritten or deleted since, but created
}

// resolve finds out whether a write was done whose answer was lost. A record
// with its mark proves that the write was done, whatever happened to the key
// since. Without such a record the write was not done, unless so many later
// records exist that its record may have been trimmed. A write that was not
// done may be repeated: both writes replace the same version, so at most one of
// them succeeds.
func (k *keeping) resolve(ctx context.Context, s *core.Session, records []record, stat core.Stat, found bool) (Entry, bool, error) {
	for _, r := range records {
		if r.mark != k.mark || r.foreign {
			continue
		}
		at, standing, err := s.StatOf(ctx, znode.Join(k.dir, r.name))
		if err != nil {
			return Entry{}, false, err
		}
		if !found || !standing || at.Czxid != stat.Mzxid {
			// Done, and overwritten or deleted since.
			return Entry{
				Key: k.key, Path: k.path, Data: k.data, Version: k.over + 1, Zxid: at.Czxid,
				ModTime: time.UnixMilli(at.Ctime),
			}, true, nil
		}
		return entry(k.key, k.path, k.data, stat), true, nil
	}
	later := 0
	for _, r := range records {
		if len(k.knew) == 0 || r.seq-k.knew[len(k.knew)-1].seq > 0 {
			later++
		}
	}
	if later >= k.keep {
		return Entry{}, false, k.doubt
	}
	// If another writer has replaced that version, our write can never succeed.
	k.tried = !found && k.over < 0 || found && stat.Czxid == k.czxid && stat.Version == k.over
	return Entry{}, false, nil
}

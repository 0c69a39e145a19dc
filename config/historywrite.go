package config

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
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

func (h *History) write(ctx context.Context, op, key string, data []byte, version int32, create bool) (Entry, error) {
	path, dir, err := h.paths(key)
	var e Entry
	if err == nil {
		k := &keeping{
			History: h, key: key, path: path, dir: dir, data: data, mark: rand.Text(), version: version, create: create,
		}
		e, err = k.run(ctx)
	}
	return failed(op, path, e, err)
}

// run tries until the write is done, or certainly is not.
func (k *keeping) run(ctx context.Context) (Entry, error) {
	for tries := 0; ; tries++ {
		err := backoff.Contention.Wait(ctx, tries-1)
		var done Entry
		if err == nil {
			done, err = k.try(ctx)
		}
		switch {
		case err == nil:
			return done, nil
		case errors.Is(err, errConflict):
		case errors.Is(err, core.ErrSessionEnded) && ctx.Err() == nil && !errors.Is(err, core.ErrClosed):
		case k.tried && !errors.Is(err, core.ErrUnknownOutcome):
			return Entry{}, fmt.Errorf("%w; then: %w", k.doubt, err)
		default:
			return Entry{}, err
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
	old, stat, err := s.GetNewest(ctx, k.path)
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
	case found && k.version != core.AnyVersion && stat.Version != k.version:
		return Entry{}, core.ErrBadVersion
	case found && stat.Version == core.AnyVersion:
		return Entry{}, errVersion
	}
	external := false
	if found {
		if err := (write{data: k.data, version: k.version}).allowed(ctx, s, k.path, old, stat); err != nil {
			return Entry{}, err
		}
		if external, err = k.external(ctx, s, records, stat); err != nil {
			return Entry{}, err
		}
	}
	return k.commit(ctx, s, found, stat, old, external, records)
}

// external reports whether no record has the key's value.
func (k *keeping) external(ctx context.Context, s *core.Session, records []record, stat core.Stat) (bool, error) {
	for _, r := range slices.Backward(records) {
		if r.external {
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
	external bool, records []record) (Entry, error) {
	var ops []core.Op
	fresh := 1
	if found {
		if err := s.AdmitWrite(ctx, k.path); err != nil {
			return Entry{}, err
		}
		ops = append(ops, core.SetOp(k.path, k.data, stat.Version))
	} else {
		if err := mayCreate(k.path); err != nil {
			return Entry{}, err
		}
		ops = append(ops, core.CreateOp(k.path, k.data, core.Persistent))
	}
	if external && k.keep > 1 {
		fresh++
		ops = append(ops, core.CreateOp(k.prefix(externalValue), old, core.Sequential))
	}
	ops = append(ops, core.CreateOp(k.prefix(ownValue), k.data, core.Sequential))
	for _, r := range records[:max(0, min(len(records), len(records)+fresh-k.keep))] {
		trimmed := append(ops, core.DeleteOp(znode.Join(k.dir, r.name), core.AnyVersion))
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
		return k.created(ctx, s)
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

// created reads a created key: the answer to the transaction does not have its
// stat. The Entry has no stat if the key was overwritten or deleted since.
func (k *keeping) created(ctx context.Context, s *core.Session) (Entry, error) {
	_, stat, err := s.Get(ctx, k.path)
	if err != nil || stat.Version != 0 {
		stat = core.Stat{}
	}
	return entry(k.key, k.path, k.data, stat), nil // it was created, whatever came then
}

// resolve finds out whether a write was done whose answer was lost. A record
// with its mark proves that the write was done, whatever happened to the key
// since. Without such a record the write was not done, unless so many later
// records exist that its record may have been trimmed. A write that was not
// done may be repeated: both writes replace the same version, so at most one of
// them succeeds.
func (k *keeping) resolve(ctx context.Context, s *core.Session, records []record, stat core.Stat, found bool,
) (done Entry, settled bool, err error) {
	for _, r := range records {
		if r.mark != k.mark || r.external {
			continue
		}
		at, standing, err := s.StatOf(ctx, znode.Join(k.dir, r.name))
		if err != nil {
			return Entry{}, false, err
		}
		if !found || !standing || at.Czxid != stat.Mzxid {
			// Done, and overwritten or deleted since.
			stat := core.Stat{Version: k.over + 1, Mzxid: at.Czxid, Mtime: at.Ctime, Czxid: cmp.Or(k.czxid, at.Czxid)}
			return entry(k.key, k.path, k.data, stat), true, nil
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

package config

import (
	"context"
	"errors"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/recognise"
)

// foreign returns the session.ErrForeign of a znode that is recognised as
// another recipe's.
func foreign(what string, args ...any) error {
	return core.Foreign(what, args...)
}

// mayCreate returns ErrForeign if only another recipe creates a znode with the
// name of the path. A key with that name could never be written again.
func mayCreate(path string) error {
	if what := recognise.Made(path); what != "" {
		return foreign("%s", what)
	}
	return nil
}

// write is a write or a deletion of a key before it is sent.
type write struct {
	data    []byte // nil if remove
	remove  bool
	version int32 // that the caller has given, or AnyVersion
	// missingOK says that the caller goes on if the key is missing.
	missingOK bool
}

// check reads the znode. It returns ErrNoNode for a missing key, and ErrForeign
// for a znode that is recognised as another recipe's. A znode that may not be
// read is not recognised: its ACL decides whether the write is allowed.
//
// A server that lags behind may miss a key, or show a znode that is gone. So
// before check returns such an error, it reads again after a Sync.
func (s *Store) check(ctx context.Context, path string, w write) (core.Sighting, error) {
	seen, err := s.look(ctx, path, w)
	if errors.Is(err, core.ErrForeign) || errors.Is(err, core.ErrNoNode) && !w.missingOK {
		if err := s.sm.Sync(ctx, path); err != nil {
			return seen, err
		}
		return s.look(ctx, path, w)
	}
	return seen, err
}

func (s *Store) look(ctx context.Context, path string, w write) (core.Sighting, error) {
	seen, err := s.sm.See(ctx, path)
	if err == nil {
		err = w.allowed(ctx, s.sm, path, seen.Data, seen.Stat)
	}
	if err == nil && !w.remove {
		err = s.sm.AdmitWrite(ctx, path)
	}
	return seen, err
}

// allowed returns ErrForeign if the znode, which the caller has read, is
// recognised as another recipe's.
func (w write) allowed(ctx context.Context, in recognise.Reader, path string, data []byte, stat core.Stat) error {
	switch what, err := recognise.Path(ctx, in, path, data, stat); {
	case err != nil:
		return err
	case what != "":
		return foreign("%s", what)
	}
	// A caller that gives the version has read the value.
	if w.version == core.AnyVersion && recognise.IsNumber(data) && (w.remove || len(w.data) != len(data)) {
		return foreign("it has %d bytes and looks like the number of a counter; "+
			"if it is a key, give the version that was read", len(data))
	}
	return nil
}

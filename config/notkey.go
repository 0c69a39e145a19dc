package config

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recognise"
)

// ErrNotKey is returned by the writes of a Store or a History, and by
// Value.Update, if the znode at the path belongs to another recipe. The znode
// is not changed. The text names the recipe. The package documentation lists
// what is recognised.
var ErrNotKey = errors.New("the znode is not a key")

func notKey(what string, args ...any) error {
	return fmt.Errorf(`%w: %s; check the path (see "docent inspect")`, ErrNotKey, fmt.Sprintf(what, args...))
}

// write is a write or a deletion of a key before it is sent.
type write struct {
	data    []byte // nil if remove
	remove  bool
	version int32 // that the caller has given, or AnyVersion
}

// check reads the znode, and returns ErrNotKey if it is recognised as another
// recipe's. A znode that may not be read is not recognised: its ACL decides
// whether the write is allowed.
func (s *Store) check(ctx context.Context, path string, w write) (core.Sighting, error) {
	seen, err := s.sm.See(ctx, path)
	if err == nil {
		err = w.allowed(ctx, s.sm, path, seen.Data, seen.Stat)
	}
	return seen, err
}

// allowed returns ErrNotKey if the znode, which the caller has read, is
// recognised as another recipe's.
func (w write) allowed(ctx context.Context, in recognise.Reader, path string, data []byte, stat core.Stat) error {
	switch what, err := recognise.Path(ctx, in, path, data, stat); {
	case err != nil:
		return err
	case what != "":
		return notKey("%s", what)
	}
	// A caller that gives the version has read the value.
	if w.version == AnyVersion && recognise.IsNumber(data) && (w.remove || len(w.data) != len(data)) {
		return notKey("it has %d bytes and looks like the number of a counter; if it is a key, give the version that was read", len(data))
	}
	return nil
}

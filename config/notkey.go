package config

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recognise"
)

// ErrNotKey is returned by the writes of a Store or a History, and by Value.Update,
// if the znode at the path is not a key but another recipe's. It is left as it is.
// The text says what exists there, and the package documentation what is recognised.
var ErrNotKey = errors.New("the znode is not a key")

func notKey(what string, args ...any) error {
	return fmt.Errorf(`%w: %s; check the path (see "docent inspect")`, ErrNotKey, fmt.Sprintf(what, args...))
}

// write is what is about to be done to a key.
type write struct {
	data    []byte // nil if remove
	remove  bool
	version int32 // that the caller has given, or AnyVersion
}

// check looks at the znode, and returns ErrNotKey if it is known not to be a key.
// Whose a hidden znode is, its ACL says: the caller has the right to write to it,
// or has not.
func (s *Store) check(ctx context.Context, path string, w write) (core.Sighting, error) {
	seen, err := s.sm.See(ctx, path)
	if err == nil {
		err = w.allowed(ctx, s.sm, path, seen.Data, seen.Stat)
	}
	return seen, err
}

// allowed returns ErrNotKey if the znode, which the caller has read, is known not
// to be a key.
func (w write) allowed(ctx context.Context, in recognise.Reader, path string, data []byte, stat core.Stat) error {
	switch what, err := recognise.Path(ctx, in, path, data, stat); {
	case err != nil:
		return err
	case what != "":
		return notKey("%s", what)
	}
	// A caller that gives the version has read the value.
	if w.version == AnyVersion && recognise.IsNumber(data) && (w.remove || len(w.data) != len(data)) {
		return notKey("it holds %d bytes like the number of a counter; if it is a key, give the version that was read", len(data))
	}
	return nil
}

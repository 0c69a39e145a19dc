package docentkoanf

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/knadh/koanf/maps"
	"github.com/knadh/koanf/v2"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// Tree is a koanf.Provider with the keys of a directory. It follows the keys
// until Close or until its Manager is closed. It is safe for concurrent use.
//
// The znode db/host below the path is the key host in the map db: "db.host" for
// a Koanf with the delimiter ".".
type Tree struct {
	provider[*config.TreeSnapshot[any]]
}

var _ koanf.Provider = (*Tree)(nil)

// Text is the codec of a tree whose values are strings. The methods of Koanf,
// such as Int and Duration, parse them. With config.JSON[any]() each znode has
// a value in JSON, which may be an object.
func Text() config.Codec[any] {
	return config.Codec[any]{Decode: func(data []byte) (any, error) { return string(data), nil }}
}

// OpenTree opens the keys below path, which is below sm's root. It blocks until
// all keys have been read. ctx bounds OpenTree alone. It takes the options of
// config.OpenTree, and returns its errors.
func OpenTree(ctx context.Context, sm *session.Manager, path string, codec config.Codec[any], opts ...config.Option[any]) (*Tree, error) {
	t, err := config.OpenTree(ctx, sm, path, codec, opts...)
	if err != nil {
		return nil, err
	}
	return &Tree{provider[*config.TreeSnapshot[any]]{view: t, exists: func(s *config.TreeSnapshot[any]) bool { return s.Exists }}}, nil
}

// Read returns the present keys, in nested maps that belong to the caller. It
// sends no request. A key whose value is bad has its last good value. It
// returns an error if a key has keys below it, and a value that is not an
// object: koanf cannot have both.
func (t *Tree) Read() (map[string]any, error) {
	all := make(map[string]any)
	for k := range t.load().All() { // a key comes before the keys below it
		if err := put(all, k.Key, copied(k.Value)); err != nil {
			return nil, fmt.Errorf("read %s: %w", t.view.Path(), err)
		}
	}
	return all, nil
}

// put adds a key to the nested maps.
func put(into map[string]any, key string, value any) error {
	dirs := strings.Split(key, "/")
	name := dirs[len(dirs)-1]
	for i, dir := range dirs[:len(dirs)-1] {
		if into[dir] == nil {
			into[dir] = make(map[string]any)
		}
		below, ok := into[dir].(map[string]any)
		if !ok {
			return fmt.Errorf("the key %s has a value and the key %s below it: delete one of them, or use an object as the value",
				strings.Join(dirs[:i+1], "/"), key)
		}
		into = below
	}
	object, ok := value.(map[string]any)
	below, merge := into[name].(map[string]any)
	if ok && merge {
		maps.Merge(object, below)
	} else {
		into[name] = value
	}
	return nil
}

// copied returns a copy that shares nothing with the tree's snapshot.
func copied(value any) any { return maps.Copy(map[string]any{"": value})[""] }

// ReadBytes returns an error: a tree has many keys, so give koanf.Koanf.Load no
// parser.
func (t *Tree) ReadBytes() ([]byte, error) {
	return nil, errors.New("read " + t.view.Path() + ": a tree is not a file: give Load nil as the parser")
}

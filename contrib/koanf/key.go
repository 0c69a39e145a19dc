package docentkoanf

import (
	"bytes"
	"context"
	"errors"

	"github.com/knadh/koanf/v2"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// Key is a koanf.Provider with the bytes of one key. It follows the key until
// Close or until its Manager is closed. It is safe for concurrent use.
type Key struct {
	provider[*config.Snapshot[[]byte]]
}

var _ koanf.Provider = (*Key)(nil)

// Parses rejects values that the parser rejects. The last good value stays
// then, and Watch and Err report a *config.BadValueError. The error quotes what
// the parser's error quotes.
func Parses(p koanf.Parser) config.Option[[]byte] {
	return config.Validate(func(data []byte) error {
		_, err := p.Unmarshal(data)
		return err
	})
}

// OpenKey opens the key at path, which is below sm's root. It blocks until the
// znode has been read. ctx bounds OpenKey alone. It takes the options of
// config.Open, such as config.Default and config.Wait, and returns its errors,
// such as config.ErrNoValue if the key does not exist.
func OpenKey(ctx context.Context, sm *session.Manager, path string, opts ...config.Option[[]byte]) (*Key, error) {
	v, err := config.Open(ctx, sm, path, config.Bytes(), opts...)
	if err != nil {
		return nil, err
	}
	return &Key{provider[*config.Snapshot[[]byte]]{view: v, exists: func(s *config.Snapshot[[]byte]) bool { return s.Exists }}}, nil
}

// ReadBytes returns the present value for a koanf.Parser: the last good value.
// It sends no request. The error is always nil.
func (k *Key) ReadBytes() ([]byte, error) {
	return bytes.Clone(k.load().Value), nil
}

// Read returns an error: a key has bytes, so koanf.Koanf.Load needs a parser.
func (k *Key) Read() (map[string]any, error) {
	return nil, errors.New("read " + k.view.Path() + ": a key has bytes alone: give Load a parser")
}

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
	value *config.Value[[]byte]
	watch watch[*config.Snapshot[[]byte]]
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
	return &Key{value: v}, nil
}

// ReadBytes returns the present value for a koanf.Parser: the last good value.
// It sends no request. The error is always nil.
func (k *Key) ReadBytes() ([]byte, error) {
	return bytes.Clone(k.watch.read(k.value.Load).Value), nil
}

// Read returns an error: a key has bytes, so koanf.Koanf.Load needs a parser.
func (k *Key) Read() (map[string]any, error) {
	return nil, errors.New("read " + k.value.Path() + ": a key has bytes alone: give Load a parser")
}

// Watch calls f after each change, one call at a time, on a goroutine of its
// own. The event is an Event; with an error it is nil. Watch returns at once.
// It returns an error if the key is being watched.
//
// f gets each error once: a *config.BadValueError, session.ErrNoAuth, and
// session.ErrClosed when the Manager is closed, which ends the watch.
func (k *Key) Watch(f func(event any, err error)) error {
	return k.watch.start(k.value.Path(), k.value.Changes, f, func(s *config.Snapshot[[]byte]) bool { return s.Exists })
}

// Unwatch ends the Watch. A callback that is running goes on. Watch may be
// called again. The error is always nil.
func (k *Key) Unwatch() error { return k.watch.stop() }

// Stale reports whether the value may be out of date for longer than usual, as
// config.Value.Stale does: the servers do not answer.
func (k *Key) Stale() bool { return k.value.Stale() }

// Err returns the present error, or nil, as config.Value.Err does.
func (k *Key) Err() error { return k.value.Err() }

// Close ends the watch, waits for a running callback, and stops following the
// key. ReadBytes keeps the last value. So do not call it from the callback. The
// error is always nil.
func (k *Key) Close() error {
	err := k.watch.close()
	return errors.Join(err, k.value.Close())
}

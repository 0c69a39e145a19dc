package docentkoanf_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/knadh/koanf/v2"
	"github.com/stretchr/testify/require"

	docentkoanf "github.com/docent-go/docent/contrib/koanf"
	"github.com/docent-go/docent/sessiontest"
)

// world is a process with a session.
type world struct {
	*sessiontest.World
	p *sessiontest.Process
}

func run(t *testing.T, f func(w *world)) {
	sessiontest.Run(t, func(sw *sessiontest.World) { f(&world{sw, sw.Process()}) })
}

// watched is a provider that is watched.
type watched interface {
	koanf.Provider
	Watch(func(event any, err error)) error
	Close() error
}

// app loads its configuration again after each event.
type app struct {
	*world
	from   watched
	parser koanf.Parser

	mu     sync.Mutex
	k      *koanf.Koanf
	events []docentkoanf.Event
	errs   []error
}

func (w *world) app(from watched, parser koanf.Parser) *app {
	a := &app{world: w, from: from, parser: parser}
	w.Cleanup(func() { require.NoError(w, from.Close()) })
	require.NoError(w, a.load())
	require.NoError(w, from.Watch(func(event any, err error) {
		if err == nil {
			err = a.load()
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if err != nil {
			a.errs = append(a.errs, err)
			return
		}
		a.events = append(a.events, event.(docentkoanf.Event))
	}))
	return a
}

func (a *app) load() error {
	k := koanf.New(".")
	if err := k.Load(a.from, a.parser); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.k = k
	return nil
}

// has checks the configuration, and how many events there were.
func (a *app) has(events int, all map[string]any) {
	a.Helper()
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	require.Equal(a, all, a.k.All())
	require.Len(a, a.events, events)
}

// errors returns the errors until now.
func (a *app) errors() error {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	return errors.Join(a.errs...)
}

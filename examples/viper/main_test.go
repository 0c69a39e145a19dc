package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/viper"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/sessiontest"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "/viper"

// text is written by one goroutine, and read by the test.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (x *text) Write(data []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.Write(data)
}

func (x *text) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.String()
}

// program is the program, and what it has printed and logged.
type program struct {
	*sessiontest.Process
	settings *config.Value[*viper.Viper]
	call     *sessiontest.Call
	out, log text
}

func startProgram(w *sessiontest.World, name string) *program {
	p := &program{Process: w.Process()}
	var err error
	p.settings, err = openSettings(w.Context(), p.Manager, key)
	require.NoError(w, err)
	w.Cleanup(func() { require.NoError(w, p.settings.Close()) })
	p.call = w.Go(func(ctx context.Context) error {
		return run(ctx, p.settings, name, &p.out, slog.New(slog.NewTextHandler(&p.log, nil)))
	})
	return p
}

func TestAChangeArrives(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		w.Put(key, "greeting: Hi\nlimits:\n  name: 3\n")
		p := startProgram(w, "Ada")
		w.Put(key, "limits: {name: 3}")
		time.Sleep(time.Second)
		w.Put(key, "{greeting: Good day, limits: {name: 2}}")
		time.Sleep(time.Second)
		require.Equal(t, "Hi, Ada\nHello, Ada\na name has at most 2 bytes\n", p.out.String(),
			"a setting that is gone has its default again")
		require.NoError(t, p.call.Cancel())
	})
}

func TestABadValueLeavesTheOldOne(t *testing.T) {
	for bad, reason := range map[string]string{
		"{greeting: ":                       "did not find expected node content",
		"Hello":                             "cannot unmarshal",
		"":                                  "limits.name is 0",
		"limits: {name: all}":               "limits.name is 0",
		`{greeting: "", limits: {name: 3}}`: "greeting is empty",
	} {
		sessiontest.Run(t, func(w *sessiontest.World) {
			w.Put(key, "limits: {name: 3}")
			p := startProgram(w, "Ada")
			w.Put(key, bad)
			time.Sleep(time.Second)
			require.Equal(t, "Hello, Ada", greet(p.settings.Load().Value, "Ada"), bad)
			require.ErrorContains(t, p.settings.Err(), reason)
			require.Equal(t, 1, strings.Count(p.log.String(), "is rejected"), p.log.String())
			w.Put(key, "{greeting: Hi, limits: {name: 3}}")
			time.Sleep(time.Second)
			require.NoError(t, p.settings.Err())
			require.Equal(t, "Hello, Ada\nHi, Ada\n", p.out.String())
		})
	}
}

// Many goroutines read while the key changes. The race detector watches them.
// What one of them reads is of one value of the key.
func TestReadersNeverSeeHalfAValue(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		w.Put(key, "{greeting: v3, limits: {name: 3}}")
		p := startProgram(w, "Ada")
		for range 4 {
			w.Go(func(ctx context.Context) error {
				for ctx.Err() == nil {
					v := p.settings.Load().Value
					if v.GetString("greeting") != "v"+v.GetString("limits.name") {
						w.Errorf("%v is of two values", v.AllSettings())
					}
					time.Sleep(time.Millisecond)
				}
				return nil
			})
		}
		for _, n := range []string{"4", "5", "6", "7"} {
			w.Put(key, "{greeting: v"+n+", limits: {name: "+n+"}}")
			time.Sleep(20 * time.Millisecond)
		}
		require.Equal(t, 7, p.settings.Load().Value.GetInt("limits.name"))
	})
}

// While ZooKeeper does not answer, the last value is in use.
func TestAnOutage(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		w.Put(key, "limits: {name: 3}")
		p := startProgram(w, "Ada")
		p.Link.Cut(zktest.Both)
		w.Put(key, "{greeting: Hi, limits: {name: 3}}")
		time.Sleep(time.Hour)
		require.True(t, p.settings.Stale())
		require.Equal(t, "Hello, Ada", greet(p.settings.Load().Value, "Ada"))
		p.Link.Heal()
		w.Eventually(func() bool { return p.out.String() == "Hello, Ada\nHi, Ada\n" }, "the change arrives")
	})
}

func TestTheEnvironmentWins(t *testing.T) {
	t.Setenv("GREETER_GREETING", "Ahoy")
	t.Setenv("GREETER_LIMITS_NAME", "5")
	sessiontest.Run(t, func(w *sessiontest.World) {
		w.Put(key, "{greeting: Hi, limits: {name: 3}}")
		p := startProgram(w, "Grace")
		require.Equal(t, "Ahoy, Grace\n", p.out.String())
		require.NoError(t, p.Close())
		require.ErrorIs(t, p.call.Wait(), session.ErrClosed)
	})
}

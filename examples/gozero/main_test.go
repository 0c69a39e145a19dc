package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	configurator "github.com/zeromicro/go-zero/core/configcenter"
	"github.com/zeromicro/go-zero/core/logx"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/sessiontest"
	"github.com/docent-go/docent/zktest"
)

// go-zero starts goroutines when it is imported.
func TestMain(m *testing.M) {
	logx.Disable()
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

const key = "/gozero"

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
	s        *Subscriber
	call     *sessiontest.Call
	out, log text
}

func startProgram(w *sessiontest.World, check func(string) error) *program {
	p := &program{Process: w.Process()}
	var err error
	p.s, err = OpenSubscriber(w.Context(), p.Manager, key, check, slog.New(slog.NewTextHandler(&p.log, nil)))
	require.NoError(w, err)
	w.Cleanup(func() { require.NoError(w, p.s.Close()) })
	p.call = w.Go(func(ctx context.Context) error { return run(ctx, p.s, "Ada", &p.out) })
	return p
}

func TestAChangeArrives(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		w.Put(key, "Greeting: Hi")
		p := startProgram(w, check)
		w.Put(key, "Greeting: Good day")
		time.Sleep(time.Second)
		w.Put(key, "{Greeting: Good day, Limit: 2}")
		time.Sleep(time.Second)
		require.Equal(t, "Hi, Ada\nGood day, Ada\na name has at most 2 bytes\n", p.out.String())
		require.NoError(t, p.call.Cancel())
	})
}

func TestABadValueLeavesTheOldOne(t *testing.T) {
	for bad, reason := range map[string]string{
		"{Greeting: ":                "did not find expected node content",
		"":                           "cannot unmarshal string",
		"Limit: 3":                   "Greeting",
		"{Greeting: Hi, Limit: 101}": "wrong number range setting",
		"{Greeting: Hi, Limit: all}": "type mismatch for field",
	} {
		sessiontest.Run(t, func(w *sessiontest.World) {
			w.Put(key, "Greeting: Hello")
			p := startProgram(w, check)
			settings := configurator.MustNewConfigCenter[Settings](configurator.Config{Type: "yaml"}, p.s)
			time.Sleep(time.Second)
			w.Put(key, bad)
			time.Sleep(time.Second)
			now, err := settings.GetConfig()
			require.NoError(t, err, bad)
			require.Equal(t, Settings{Greeting: "Hello", Limit: 20}, now)
			require.Contains(t, p.log.String(), reason)
			require.Equal(t, 2, strings.Count(p.log.String(), "the last good configuration stays"), "once for each listener")
			w.Put(key, "Greeting: Hi")
			time.Sleep(time.Second)
			require.Equal(t, "Hello, Ada\nHi, Ada\n", p.out.String())
		})
	}
}

// This is why the subscriber checks: the configuration center keeps no good
// value.
func TestWithoutACheckABadValueIsTaken(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		w.Put(key, "Greeting: Hello")
		p := startProgram(w, func(string) error { return nil })
		w.Put(key, "{Greeting: Hi, Limit: 101}")
		require.ErrorContains(t, p.call.Wait(), "wrong number range setting")
	})
}

// A change between the read and the call of AddListener is not missed.
func TestNoChangeIsMissed(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		w.Put(key, "Greeting: Hello")
		p := startProgram(w, check)
		before, err := p.s.Value()
		require.NoError(t, err)
		w.Put(key, "Greeting: Hi")
		time.Sleep(time.Second)
		after := make(chan string, 1)
		require.NoError(t, p.s.AddListener(func() {
			now, err := p.s.Value()
			require.NoError(w, err)
			after <- now
		}))
		require.NotEqual(t, before, <-after)
		require.NoError(t, p.s.Close())
		require.EqualError(t, p.s.AddListener(func() {}), "listen to /gozero: the subscriber is closed")
	})
}

// While ZooKeeper does not answer, the last value is in use.
func TestAnOutage(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		w.Put(key, "Greeting: Hello")
		p := startProgram(w, check)
		p.Link.Cut(zktest.Both)
		w.Put(key, "Greeting: Hi")
		time.Sleep(time.Hour)
		require.Equal(t, "Hello, Ada\n", p.out.String())
		value, err := p.s.Value()
		require.NoError(t, err)
		require.Equal(t, "Greeting: Hello", value)
		p.Link.Heal()
		w.Eventually(func() bool { return p.out.String() == "Hello, Ada\nHi, Ada\n" }, "the change arrives")
	})
}

//go:build unix

package moving

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/consul/api"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// agent answers as much of Consul's HTTP as a lock asks for. It stands for no
// Consul: it tries the guide's code, and Consul's client, without one.
type agent struct {
	mu      sync.Mutex
	index   int
	holder  string        // the session that has the key
	changed chan struct{} // closed at the next change
}

func (a *agent) set(holder string) {
	a.index++
	a.holder = holder
	close(a.changed)
	a.changed = make(chan struct{})
}

func (a *agent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	query := r.URL.Query()
	var answer any = true
	switch {
	case r.URL.Path == "/v1/session/create":
		answer = map[string]string{"ID": "session-of-the-test"}
	case strings.HasPrefix(r.URL.Path, "/v1/session/"): // destroy, renew
		answer = []any{}
	case query.Has("acquire"):
		if a.holder == "" {
			a.set(query.Get("acquire"))
		} else {
			answer = false
		}
	case query.Has("release"):
		a.set("")
	default: // a read of the key, which waits for a change if it has seen this state
		if query.Get("index") == strconv.Itoa(a.index) {
			changed := a.changed
			a.mu.Unlock()
			select {
			case <-changed:
			case <-r.Context().Done():
			}
			a.mu.Lock()
		}
		answer = []map[string]any{{"Key": "locks/orders", "Session": a.holder, "Flags": uint64(api.LockFlagValue)}}
	}
	w.Header().Set("X-Consul-Index", strconv.Itoa(a.index))
	_ = json.NewEncoder(w).Encode(answer) // a client that is gone
}

func newAgent(t *testing.T) (*agent, *api.Client) {
	t.Helper()
	a := &agent{index: 1, changed: make(chan struct{})}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := api.NewClient(&api.Config{Address: server.URL, HttpClient: &http.Client{Transport: transport}})
	require.NoError(t, err)
	return a, client
}

// The work ends when Consul's client reports a loss. Docent's lock is free then.
func TestConsul_bothLocks(t *testing.T) {
	a, client := newAgent(t)
	srv := zktest.New(t)
	sm := ensemble.Dial(t, patience, session.Config{Servers: []string{"zk1"}, Dialer: srv.DialContext})
	err := UnderConsulAndDocent(ensemble.Within(t, patience), client, sm, func(ctx context.Context, tokens ...int64) error {
		require.Len(t, tokens, 1)
		require.Positive(t, tokens[0])
		a.mu.Lock()
		require.Equal(t, "session-of-the-test", a.holder)
		a.set("another")
		a.mu.Unlock()
		<-ctx.Done()
		return ctx.Err()
	})
	require.ErrorIs(t, err, context.Canceled)
	h, err := lock.NewMutex(sm, path).TryLock(ensemble.Within(t, patience))
	require.NoError(t, err)
	require.NoError(t, h.Release())
}

// A wait that ctx has ended is an error, and no work.
func TestConsul_cancelled(t *testing.T) {
	a, client := newAgent(t)
	a.holder = "another"
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error, 1)
	go func() {
		waits <- UnderConsul(ctx, client, func(context.Context, ...int64) error {
			t.Error("the work is done without the lock")
			return nil
		})
	}()
	cancel()
	ensemble.Eventually(t, patience, "Lock looks at ctx after its query", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.set("another")
		return len(waits) == 1
	})
	require.ErrorIs(t, <-waits, context.Canceled)
}

package httpbalance_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/naming/httpbalance"
)

// A body that cannot be had again is sent once.
func TestBodyThatCannotBeRepeated(t *testing.T) {
	b := start(t, "b")
	c := client(t, list(gone(t, "a"), b.Instance))
	var failed []error
	for range 2 { // one to each
		resp, err := c.Post("http://orders/", "text/plain", io.MultiReader(strings.NewReader("data")))
		if err != nil {
			failed = append(failed, err)
			continue
		}
		require.Equal(t, "b POST / data", read(t, resp))
	}
	require.Len(t, failed, 1)
	require.ErrorContains(t, failed[0], "instance a of service orders")
	require.EqualValues(t, 1, b.calls.Load())
}

// hangUp breaks the connection off in the middle of a request.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// A request that may have been done is repeated only if that does no harm.
func TestBrokenOff(t *testing.T) {
	for method, repeated := range map[string]bool{
		http.MethodGet: true, http.MethodPut: true, http.MethodDelete: true, http.MethodPost: false, http.MethodPatch: false,
	} {
		a, b := start(t, "a"), start(t, "b")
		a.answer(hangUp)
		c := client(t, list(a.Instance, b.Instance))
		send := func() (*http.Response, error) {
			req, err := http.NewRequestWithContext(t.Context(), method, "http://orders/", strings.NewReader("data"))
			require.NoError(t, err)
			return c.Do(req)
		}
		resp, others, err := askedFirst(t, a, send)
		require.EqualValues(t, 1, a.calls.Load(), method)
		if repeated {
			require.NoError(t, err, method)
			require.Equal(t, "b "+method+" / data", read(t, resp))
		} else {
			require.Error(t, err, method)
			require.EqualValues(t, others, b.calls.Load(), method)
		}
		c.CloseIdleConnections()
	}
	a, b := start(t, "a"), start(t, "b")
	a.answer(hangUp)
	c := client(t, list(a.Instance, b.Instance))
	resp, _, err := askedFirst(t, a, func() (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://orders/", strings.NewReader("data"))
		require.NoError(t, err)
		req.Header.Set("Idempotency-Key", "17")
		return c.Do(req)
	})
	require.NoError(t, err)
	require.EqualValues(t, 1, a.calls.Load())
	require.Equal(t, "b POST / data", read(t, resp))
}

// askedFirst sends a request that a round robin over two instances sends to a
// first: the first request, or else the second one. others is how many went to
// the other instance before.
func askedFirst(t *testing.T, a *backend, send func() (*http.Response, error)) (resp *http.Response, others int, err error) {
	resp, err = send()
	if a.calls.Load() > 0 {
		return resp, 0, err
	}
	require.NoError(t, err)
	read(t, resp)
	resp, err = send()
	return resp, 1, err
}

// No instance is asked twice, and no more of them than Attempts says.
func TestAttempts(t *testing.T) {
	for _, strategy := range []naming.Strategy{naming.RoundRobin(), naming.Random(), naming.Hash(), naming.Sticky(naming.Hash())} {
		var all []*backend
		var instances []naming.Instance
		for i := range 5 {
			b := start(t, fmt.Sprint(i))
			b.answer(hangUp)
			all, instances = append(all, b), append(instances, b.Instance)
		}
		calls := func() (total int) {
			for _, b := range all {
				require.LessOrEqual(t, b.calls.Load(), int64(1))
				total += int(b.calls.Swap(0))
			}
			return total
		}
		key := httpbalance.Key(func(*http.Request) string { return "17" })
		for _, n := range []int{1, 3, 5, 9} {
			_, err := client(t, list(instances...), httpbalance.Strategy(strategy), httpbalance.Attempts(n), key,
				httpbalance.DownAfter(100, time.Hour, time.Hour)).Get("http://orders/")
			require.Error(t, err)
			require.Equal(t, min(n, len(all)), calls(), "%v", strategy)
		}
	}
	_, err := client(t, list(), httpbalance.Attempts(0)).Get("http://orders/")
	require.ErrorContains(t, err, "Attempts(0)")
}

// Retries for one key all go to the same other instance, the next by the key.
// It may have cached what the key is about.
func TestRetriesGoByTheKey(t *testing.T) {
	var all []*backend
	source := list()
	for i := range 6 {
		all = append(all, start(t, fmt.Sprint(i)))
		source.Set(append(source.Load(), all[i].Instance))
	}
	c := client(t, source, httpbalance.Strategy(naming.Hash()), httpbalance.DownAfter(100, time.Hour, time.Hour),
		httpbalance.Key(func(r *http.Request) string { return r.URL.Path }))
	ask := func() string {
		resp, err := c.Get("http://orders/v1/17")
		require.NoError(t, err)
		return read(t, resp)
	}
	first := ask()
	for _, b := range all {
		if strings.HasPrefix(first, b.ID) {
			b.answer(hangUp)
		}
	}
	second := ask()
	require.NotEqual(t, first, second)
	for range 20 {
		require.Equal(t, second, ask())
	}
}

// silent reads a request and never answers it.
func silent(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// With a ResponseHeaderTimeout, an instance that does not answer costs an
// idempotent request that time alone: another instance answers.
func TestInstanceThatDoesNotAnswer(t *testing.T) {
	for method, repeated := range map[string]bool{http.MethodGet: true, http.MethodPost: false} {
		a, b := start(t, "a"), start(t, "b")
		a.answer(silent)
		c := client(t, list(a.Instance, b.Instance), httpbalance.RoundTripper(&http.Transport{ResponseHeaderTimeout: 100 * time.Millisecond}))
		resp, _, err := askedFirst(t, a, func() (*http.Response, error) {
			req, err := http.NewRequestWithContext(t.Context(), method, "http://orders/", strings.NewReader("data"))
			require.NoError(t, err)
			return c.Do(req)
		})
		if repeated {
			require.NoError(t, err)
			require.Equal(t, "b "+method+" / data", read(t, resp))
		} else {
			require.ErrorContains(t, err, "httpbalance: instance a of service orders: ")
			require.ErrorContains(t, err, "timeout awaiting response headers")
		}
		c.CloseIdleConnections()
	}
}

// late is a RoundTripper whose attempts fail when the time of the client is up.
type late struct{ attempts int }

func (l *late) RoundTrip(req *http.Request) (*http.Response, error) {
	l.attempts++
	<-req.Cancel //lint:ignore SA1019 http.Client ends a request by it, perhaps before the context
	return nil, errors.New("no answer")
}

// When the client's time is up, no further instance is tried, and none that was
// not tried is blamed.
func TestNoAttemptAfterTheClientsTimeout(t *testing.T) {
	for range 100 { // the client's two timers fire in any order
		synctest.Test(t, func(t *testing.T) {
			l := new(late)
			instances := list(
				naming.Instance{Service: "orders", ID: "a", Address: "10.0.0.1", Port: 80},
				naming.Instance{Service: "orders", ID: "b", Address: "10.0.0.2", Port: 80})
			c := &http.Client{Timeout: time.Second, Transport: httpbalance.New(httpbalance.RoundTripper(l), httpbalance.Service("orders", instances))}
			_, err := c.Get("http://orders/")
			require.ErrorContains(t, err, "of service orders: no answer")
			require.Equal(t, 1, l.attempts)
		})
	}
}

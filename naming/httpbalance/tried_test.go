package httpbalance_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/naming/httpbalance"
)

// refusing is a RoundTripper with an error for each host.
type refusing map[string]error

func (f refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: f[req.URL.Hostname()]}
}

// The error of a request names each instance that was tried, with its reason.
func TestErrorNamesWhatWasTried(t *testing.T) {
	reasons := make(refusing)
	var instances []naming.Instance
	for n := range 12 {
		host := fmt.Sprintf("10.0.0.%d", n)
		reasons[host] = fmt.Errorf("reason %d", n)
		instances = append(instances, naming.Instance{Service: "orders", ID: fmt.Sprintf("i%d", n), Address: host, Port: 80})
	}
	send := func(attempts int, instances ...naming.Instance) error {
		c := &http.Client{Transport: httpbalance.New(httpbalance.RoundTripper(reasons), httpbalance.Service("orders", list(instances...)),
			httpbalance.Attempts(attempts), httpbalance.DownAfter(3, time.Hour, time.Hour))}
		_, err := c.Get("http://orders/")
		require.Error(t, err)
		return err
	}
	one := send(1, instances...)
	require.Contains(t, one.Error(), "httpbalance: instance ")
	require.Equal(t, 1, strings.Count(one.Error(), "reason "))

	for _, err := range []error{send(3, instances[:3]...), send(5, instances[:3]...)} { // all attempts, and all instances
		require.ErrorContains(t, err, "httpbalance: all 3 attempts to call service orders failed: ")
		for n := range 3 {
			require.ErrorContains(t, err, fmt.Sprintf("instance i%d: dial tcp: reason %d", n, n))
			require.ErrorIs(t, err, reasons[fmt.Sprintf("10.0.0.%d", n)])
		}
	}
	many := send(12, instances...)
	require.Equal(t, 8, strings.Count(many.Error(), "reason "), "%v", many)
	require.ErrorContains(t, many, "; and 4 more")
	for _, reason := range reasons {
		require.True(t, errors.Is(many, reason), "%v is wrapped", reason)
	}
}

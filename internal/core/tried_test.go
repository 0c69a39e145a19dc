package core_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
)

// The error of a Dial names each server that was tried with its reason, and each
// server that has not answered.
func TestDialErrorNamesEveryServer(t *testing.T) {
	errs := map[string]error{"zk1:2181": errors.New("one"), "zk2:2181": errors.New("two")}
	dial := func(ctx context.Context, _, addr string) (net.Conn, error) {
		if err := errs[addr]; err != nil {
			return nil, err
		}
		<-ctx.Done() // zk3 is silent
		return nil, ctx.Err()
	}
	try := func(w *world, within time.Duration, servers ...string) error {
		sm, err := core.Dial(w.Within(within), core.Config{Servers: servers, Dialer: dial, Timeout: time.Minute})
		require.Nil(w, sm)
		require.ErrorIs(w, err, core.ErrUnreachable)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		return err
	}
	inWorld(t, func(w *world) {
		err := try(w, time.Minute, "zk1", "zk2")
		require.ErrorContains(w, err, "dial zk1:2181: one")
		require.ErrorContains(w, err, "dial zk2:2181: two")
		require.NotContains(w, err.Error(), "no answer yet")
		for _, reason := range errs {
			require.ErrorIs(w, err, reason)
		}

		// Each round dials all servers. The silent one is the last to fail.
		err = try(w, time.Second, "zk1", "zk3")
		require.ErrorContains(w, err, "no answer yet from ")
		require.ErrorContains(w, err, "zk3:2181")
		err = try(w, time.Minute, "zk1", "zk3")
		require.ErrorContains(w, err, "dial zk1:2181: one")
		require.ErrorContains(w, err, "dial zk3:2181: no answer within")
	})
	var many []string
	for n := range 12 {
		addr := fmt.Sprintf("many%02d:2181", n)
		errs[addr], many = errors.New("no"), append(many, addr)
	}
	inWorld(t, func(w *world) {
		err := try(w, time.Minute, many...)
		require.Equal(w, 8, strings.Count(err.Error(), ":2181: no"), "%v", err)
	})
}

package inspect

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// codes are the answers of a server that cannot serve a request.
var codes = []zktest.Code{
	zktest.CodeSystemError, zktest.CodeRuntimeInconsistency, zktest.CodeDataInconsistency, zktest.CodeConnectionLoss,
	zktest.CodeMarshallingError, zktest.CodeUnimplemented, zktest.CodeOperationTimeout, zktest.CodeBadArguments,
	zktest.CodeAPIError, zktest.CodeNoAuth, zktest.CodeNoNode, zktest.CodeSessionExpired, zktest.CodeAuthFailed, zktest.CodeSessionMoved,
	zktest.CodeNotReadOnly, zktest.CodeSessionClosedRequireSASL, zktest.CodeQuotaExceeded, zktest.CodeThrottledOp, zktest.Code(-4711),
}

// Whatever a server answers, to whichever request, for minutes: Changes ends
// neither by itself nor in silence, and yields a report soon after the server
// has recovered.
func TestFault31_RecoversFromEveryAnswer(t *testing.T) {
	for name, refuses := range map[string]func(zktest.Request) bool{
		"question": func(r zktest.Request) bool { return r.Op == zktest.OpMulti },
		"stat":     func(r zktest.Request) bool { return r.Op == zktest.OpExists },
		"root":     func(r zktest.Request) bool { return r.Path == "/t" },
		"list":     func(r zktest.Request) bool { return r.Op == zktest.OpGetChildren2 },
		"data":     func(r zktest.Request) bool { return r.Op == zktest.OpGetData },
		"all":      func(r zktest.Request) bool { return r.Op != zktest.OpPing && r.Op != zktest.OpCloseSession },
	} {
		t.Run(name, func(t *testing.T) {
			for i, code := range codes {
				if i%testworld.Sized(6, 1) != 0 {
					continue
				}
				if name == "list" && code == zktest.CodeNoNode {
					continue // no server says so of a node that exists, and sends no event
				}
				testworld.Run(t, func(w *testworld.World) {
					w.Put("/t/k", "-")
					next, _, _ := follow(w, w.Process(), "/t")
					putAndNext(w, next, 1)
					mend := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
						if refuses(r) {
							return zktest.Fail(code)
						}
						return zktest.Pass
					})
					if name != "question" { // which is asked without a change, too
						w.Put("/t/k", "22")
					}
					time.Sleep(5 * time.Minute)
					synctest.Wait()
					mend()
					w.Put("/t/k", "mended")
					mended := time.Now()
					for n := 0; ; n++ {
						require.Less(w, n, 100, "%s, code %d", name, code)
						v := next()
						var trouble *TroubleError
						require.NotErrorIs(w, v.err, session.ErrClosed)
						require.False(w, name == "question" && errors.As(v.err, &trouble) && trouble.NoQuorum && answered(code),
							"the server has answered: %v", v.err)
						if v.err != nil || v.at.Before(mended) {
							continue
						}
						require.WithinDuration(w, mended, v.at, deafPause+MaxRetry, "%s, code %d", name, code)
						for _, f := range v.Report.Findings {
							if k, ok := f.(*ConfigKey); ok && k.Bytes == len("mended") {
								return
							}
						}
					}
				})
			}
		})
	}
}

// answered reports whether a transaction that fails with the code is known to
// have no effect. After any other code, its outcome is not known.
func answered(code zktest.Code) bool {
	return code == zktest.CodeUnimplemented || code == zktest.CodeBadArguments || code == zktest.CodeQuotaExceeded
}

// putAndNext changes the key, and waits for a report that has the change.
func putAndNext(w *testworld.World, next func() watched, version int32) {
	w.Helper()
	w.Put("/t/k", "new")
	for at[*ConfigKey](w, next().Report, "/t/k").Version != version {
	}
}

// garbled is a connection to a server whose answers have a body of nonsense
// while on is set.
type garbled struct {
	net.Conn
	on      *atomic.Bool
	greeted bool // the handshake is over
	rest    []byte
}

func (c *garbled) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		frame := make([]byte, 4)
		if _, err := io.ReadFull(c.Conn, frame); err != nil {
			return 0, err
		}
		body := make([]byte, binary.BigEndian.Uint32(frame))
		if _, err := io.ReadFull(c.Conn, body); err != nil {
			return 0, err
		}
		for i := 16; i < len(body) && c.greeted && c.on.Load(); i++ { // beyond the header
			body[i] = 0xff
		}
		c.greeted = true
		c.rest = append(frame, body...)
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// A server whose answers cannot be read is trouble, and nothing worse.
func TestFault31_RecoversFromNonsense(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/t/k", "-")
		var on atomic.Bool
		link := w.Srv.Link()
		p := w.Process(func(c *session.Config) {
			c.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := link.DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return &garbled{Conn: conn, on: &on}, nil
			}
		})
		next, quiet, _ := follow(w, p, "/t")
		putAndNext(w, next, 1)
		on.Store(true)
		w.Put("/t/k", "nonsense")
		troubled(w, next)
		time.Sleep(5 * time.Minute)
		on.Store(false)
		for v := next(); v.err != nil; v = next() {
			var trouble *TroubleError
			require.ErrorAs(w, v.err, &trouble)
		}
		require.True(w, quiet())
	})
}

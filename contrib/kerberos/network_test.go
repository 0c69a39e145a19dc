package kerberos

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/stretchr/testify/require"
)

// serve runs a KDC that answers each request with what answer returns, or
// closes the connection if that is nil. It returns the address.
func serve(t *testing.T, answer func(request []byte) []byte) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				var size [4]byte
				if _, err := io.ReadFull(conn, size[:]); err != nil {
					return
				}
				request := make([]byte, binary.BigEndian.Uint32(size[:]))
				if _, err := io.ReadFull(conn, request); err != nil {
					return
				}
				if reply := answer(request); reply != nil {
					_, _ = conn.Write(reply) // the test reads it, or has failed
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return l.Addr().String()
}

func sized(reply []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(reply))), reply...)
}

func networkTo(addrs ...string) *network {
	cfg := config.New()
	cfg.Realms = []config.Realm{{Realm: testRealm, KDC: addrs}}
	return &network{cfg: cfg, m: newMechanism(ccacheSource{}, nil)}
}

func krbError(t *testing.T, code int32) []byte {
	t.Helper()
	e := messages.NewKRBError(zk1.wire(), testRealm, code, "")
	body, err := e.Marshal()
	require.NoError(t, err)
	return sized(body)
}

// KDCs that do not work are passed over. The one that works comes first then.
func TestAsk(t *testing.T) {
	var asked atomic.Int32
	closing := serve(t, func([]byte) []byte { asked.Add(1); return nil })
	ill := serve(t, func([]byte) []byte { return krbError(t, errorcode.KDC_ERR_SVC_UNAVAILABLE) })
	huge := serve(t, func([]byte) []byte { return []byte{255, 255, 255, 255} })
	short := serve(t, func([]byte) []byte { return []byte{0, 0, 0, 9, 1} })
	good := serve(t, func(request []byte) []byte { return sized(append([]byte("to "), request...)) })
	n := networkTo(closing, ill, huge, short, good)
	for range 2 {
		reply, err := n.ask(t.Context(), testRealm, []byte("request"))
		require.NoError(t, err)
		require.Equal(t, "to request", string(reply))
		require.EqualValues(t, 1, asked.Load())
	}

	n = networkTo(closing, ill, huge, short)
	_, err := n.ask(t.Context(), testRealm, []byte("request"))
	var away *awayError
	require.ErrorAs(t, err, &away)
	require.EqualError(t, err, fmt.Sprintf("no KDC of the realm EXAMPLE.COM answers (%s: EOF; %s: KDC_ERR_SVC_UNAVAILABLE; "+
		"%s: an answer of 4294967295 bytes; %s: unexpected EOF); check the network, and the realm's kdc lines in krb5.conf", closing, ill, huge, short))

	n = networkTo(serve(t, func([]byte) []byte { return krbError(t, errorcode.KDC_ERR_POLICY) }), good)
	_, err = n.ask(t.Context(), testRealm, []byte("request"))
	var rejected messages.KRBError
	require.ErrorAs(t, err, &rejected)
	require.EqualValues(t, errorcode.KDC_ERR_POLICY, rejected.ErrorCode)

	_, err = n.ask(t.Context(), "OTHER", nil)
	require.EqualError(t, err, "krb5.conf names no KDC of the realm OTHER: add kdc lines to its section in [realms], or set dns_lookup_kdc = true")
}

// Only a realm without a KDC in krb5.conf is looked up, and only if that is
// allowed.
func TestAsk_dns(t *testing.T) {
	good := serve(t, func([]byte) []byte { return sized([]byte("reply")) })
	_, text, err := net.SplitHostPort(good)
	require.NoError(t, err)
	port, err := strconv.ParseUint(text, 10, 16)
	require.NoError(t, err)
	n := networkTo()
	n.cfg.LibDefaults.DNSLookupKDC = true
	n.lookup = func(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
		require.Equal(t, []string{"kerberos", "tcp", testRealm}, []string{service, proto, name})
		return "", []*net.SRV{{Target: "127.0.0.1.", Port: uint16(port)}}, nil
	}
	reply, err := n.ask(t.Context(), testRealm, []byte("request"))
	require.NoError(t, err)
	require.Equal(t, "reply", string(reply))

	n.lookup = func(context.Context, string, string, string) (string, []*net.SRV, error) {
		return "", nil, errors.New("no such host")
	}
	_, err = n.ask(t.Context(), testRealm, []byte("request"))
	require.ErrorContains(t, err, "no KDC of the realm EXAMPLE.COM answers (looking its KDCs up in DNS: no such host)")
}

// The end of ctx ends the wait for a KDC that accepts and hangs.
func TestAsk_ends(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	hanging := serve(t, func([]byte) []byte { cancel(); <-release; return nil })
	_, err := networkTo(hanging).ask(ctx, testRealm, []byte("request"))
	close(release)
	require.EqualError(t, err, "no KDC of the realm EXAMPLE.COM answers ("+hanging+": no answer in time); check the network, and the realm's kdc lines in krb5.conf")
}

func TestShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		require.Equal(t, 4*time.Second, share(ctx, 3))
		require.Equal(t, maxExchange, share(ctx, 2))
		require.Equal(t, 12*time.Second, share(ctx, 1))
		require.Equal(t, maxExchange, share(context.Background(), 1))
	})
}

func TestPlain(t *testing.T) {
	require.EqualError(t, plain(t.Context(), &net.OpError{Op: "dial", Err: errors.New("refused")}), "refused")
}

package security

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/sasl"
	"github.com/docent-go/docent/internal/wire"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/zktest"
)

// TestSASLAlike sends the same requests to a real server and to the embedded
// one, and compares the answers.
func TestSASLAlike(t *testing.T) {
	for name, c := range map[string]struct {
		real     []ensemble.Option
		embedded []zktest.Option
	}{
		"login": {nil, nil},
		"required": {
			[]ensemble.Option{ensemble.Config("sessionRequireClientSASLAuth", "true")},
			[]zktest.Option{zktest.RequireSASL()},
		},
		"enforced": {
			[]ensemble.Option{ensemble.Config("enforce.auth.enabled", "true"), ensemble.Config("enforce.auth.schemes", "sasl")},
			[]zktest.Option{zktest.RequireSASL()},
		},
		"allowed to fail": {
			[]ensemble.Option{ensemble.JVM("-Dzookeeper.allowSaslFailedClients=true")},
			[]zktest.Option{zktest.AllowFailedSASL()},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := ensemble.Start(t, 1, append(withSASL(t), c.real...)...)
			z := zktest.New(t, append(c.embedded, zktest.SASL(saslPasswords), playing(t, e.Server(0)))...)
			theirs, ours := saslServer{addr: e.Servers()[0].Addr()}, saslServer{addr: z.Addr(), dial: z.DialContext}
			for i, talk := range saslTalks() {
				t.Run(talk.name, func(t *testing.T) {
					path := fmt.Sprintf("/talk%d", i)
					want := talk.on(theirs.connect(t), path)
					require.NotEmpty(t, want)
					require.Equal(t, want, talk.on(ours.connect(t), path))
				})
			}
		})
	}
}

// playing makes the embedded server play the version of a real one.
func playing(t *testing.T, server *ensemble.Server) zktest.Option {
	t.Helper()
	answer, err := server.Word("srvr")
	require.NoError(t, err)
	found := regexp.MustCompile(`^Zookeeper version: (\d+\.\d+)\.`).FindStringSubmatch(answer)
	require.NotNil(t, found, answer)
	return zktest.Version(zktest.Release(found[1]))
}

// saslTalk is what a client sends on one connection.
type saslTalk struct {
	name  string
	steps func(k *saslTape)
}

// on runs the talk on a connection and returns the server's answers.
func (talk saslTalk) on(w *wireConn, path string) string {
	k := &saslTape{w: w, path: path}
	talk.steps(k)
	return strings.Join(k.lines, "\n")
}

// saslTape records a server's answers, without nonces and proofs.
type saslTape struct {
	w         *wireConn
	path      string
	challenge []byte
	lines     []string
}

func (k *saslTape) ask(op wire.Op, body func(e *wire.Encoder)) (wire.Reply, bool) {
	k.w.t.Helper()
	_, err := k.w.c.Write(k.w.request(op, body))
	if err == nil {
		var reply wire.Reply
		if reply, err = k.w.next(); err == nil {
			return reply, true
		}
	}
	var late net.Error
	require.False(k.w.t, errors.As(err, &late) && late.Timeout(), "no answer to %v: %v", op, err)
	k.lines = append(k.lines, "closed")
	return wire.Reply{}, false
}

func (k *saslTape) token(token []byte) {
	k.w.t.Helper()
	reply, ok := k.ask(wire.OpSASL, func(e *wire.Encoder) { e.Buffer(token) })
	if !ok {
		return
	}
	d := wire.NewDecoder(reply.Body)
	answer := d.Buffer()
	text := fmt.Sprintf("%q", answer)
	switch {
	case answer == nil:
		text = "no token"
	case strings.HasPrefix(string(answer), "rspauth="):
		text = "a proof"
	case strings.Contains(string(answer), "nonce="):
		k.challenge = answer
		before, rest, _ := strings.Cut(string(answer), `nonce="`)
		nonce, after, _ := strings.Cut(rest, `"`)
		text = fmt.Sprintf("%s(%d) %s", before, len(nonce), after)
	}
	k.lines = append(k.lines, fmt.Sprintf("%d %d %d %s %v", reply.Xid, reply.Zxid, reply.Code, text, d.Err()))
}

// respond sends a user's response, with old replaced by by.
func (k *saslTape) respond(user, password, old, by string) {
	k.w.t.Helper()
	x, err := sasl.DigestMD5(user, password).Start(within(k.w.t), "localhost")
	require.NoError(k.w.t, err)
	_, _, err = x.Next(nil)
	require.NoError(k.w.t, err)
	response, _, err := x.Next(k.challenge)
	require.NoError(k.w.t, err)
	require.Contains(k.w.t, string(response), old)
	k.token([]byte(strings.Replace(string(response), old, by, 1)))
}

// plain sends a request and notes its code.
func (k *saslTape) plain(op wire.Op, body func(e *wire.Encoder)) {
	k.w.t.Helper()
	if reply, ok := k.ask(op, body); ok {
		k.lines = append(k.lines, fmt.Sprintf("%v %d", op, reply.Code))
	}
}

// who notes the identities, sorted.
func (k *saslTape) who() {
	k.w.t.Helper()
	reply, ok := k.ask(wire.OpWhoAmI, nil)
	if !ok {
		return
	}
	d := wire.NewDecoder(reply.Body)
	var all []string
	if reply.Code == wire.CodeOK {
		for range d.Count(8) {
			all = append(all, d.String()+":"+d.String())
		}
	}
	slices.Sort(all)
	k.lines = append(k.lines, fmt.Sprint(reply.Xid, reply.Code, all, d.Err()))
}

func (k *saslTape) create(suffix, scheme, id string) {
	k.w.t.Helper()
	k.plain(wire.OpCreate, func(e *wire.Encoder) {
		e.String(k.path + suffix)
		e.Buffer([]byte("x"))
		e.Int32(1)
		e.Int32(31)
		e.String(scheme)
		e.String(id)
		e.Int32(0)
	})
}

func (k *saslTape) get(suffix string) {
	k.w.t.Helper()
	k.plain(wire.OpGetData, func(e *wire.Encoder) {
		e.String(k.path + suffix)
		e.Bool(false)
	})
}

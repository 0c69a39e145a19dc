package zktest_test

import (
	"encoding/binary"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// FuzzFrames sends hostile bytes after a good handshake, in a frame and as a
// raw stream. The server must continue to serve other connections.
func FuzzFrames(f *testing.F) {
	op := func(op zktest.Op, body ...[]byte) []byte { return join(i4(1), i4(int32(op)), join(body...)) }
	end := join(i4(-1), flag(true), i4(-1))
	for _, seed := range [][]byte{
		{}, i4(-1), i4(1 << 30), []byte("ruok"), op(zktest.OpPing), op(zktest.OpCloseSession),
		op(zktest.OpCreate, str("/a"), str("x"), anyone, i4(3)), op(zktest.OpCreateTTL, str("/t"), str(""), anyone, i4(5), i8(1)),
		op(zktest.OpCreateContainer, str("/c"), i4(-1), anyone, i4(4)), op(zktest.OpDelete, str("/zookeeper"), i4(-1)),
		op(zktest.OpSetData, str("/"), str("x"), i4(-1)), op(zktest.OpSetACL, str("/"), anyone, i4(-1)), op(zktest.OpGetACL, str("/")),
		op(zktest.OpMulti, i4(1), flag(false), i4(-1), str("/m"), str(""), anyone, i4(0), end),
		op(zktest.OpMultiRead, i4(4), flag(false), i4(-1), str("/"), flag(true), end),
		op(zktest.OpSetWatches2, i8(0), i4(1), str("/"), i4(0), i4(1), str("/"), i4(1), str("/"), i4(1), str("/")),
		op(zktest.OpAddWatch, str("/"), i4(1)), op(zktest.OpAuth, i4(0), str("digest"), str("a:b")), op(zktest.OpSASL, str("x")),
		op(zktest.OpGetEphemerals, str("/")), op(zktest.OpDeleteContainer, str("/c")), op(zktest.OpReconfig),
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, b []byte, framed bool) {
		s := zktest.New(t, zktest.TTLNodes())
		watcher := rawSession(t, s)
		watcher.ask(zktest.OpAddWatch, str("/"), i4(1))
		r := rawSession(t, s)
		if framed {
			b = append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
		}
		_, err := r.c.Write(b)
		require.NoError(t, err)
		_, err = r.c.Write(join(i4(8), i4(1), i4(int32(zktest.OpPing))))
		if err != nil {
			require.ErrorIs(t, err, io.ErrClosedPipe)
		}
		s.Disconnect(r.id)
		require.Equal(t, zktest.CodeOK, watcher.ask(zktest.OpSync, str("/")).code)
	})
}

// FuzzHandshake sends hostile bytes in place of the handshake.
func FuzzHandshake(f *testing.F) {
	f.Add(join(i4(0), i8(0), i4(9000), i8(0), i4(16), make([]byte, 16)))
	f.Add(join(i4(0), i8(-1), i4(-1), i8(-1), i4(-1), flag(true)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := zktest.New(t)
		r := rawDial(t, s)
		r.write(b)
		require.NoError(t, r.c.SetReadDeadline(time.Now().Add(10*time.Second)))
		if frame, err := r.read(); err == nil {
			require.GreaterOrEqual(t, len(frame), 36)
		} else {
			require.ErrorIs(t, err, io.EOF)
		}
		rawSession(t, s)
	})
}

// FuzzSASL answers a challenge with hostile tokens. No such token logs in.
func FuzzSASL(f *testing.F) {
	good := `charset=utf-8,username="ann",realm="zk-sasl-md5",nonce="n",nc=00000001,cnonce="c",digest-uri="zookeeper/zk-sasl-md5",` +
		`response=00000000000000000000000000000000,qop=auth`
	for _, seed := range []string{good, "", `username="a\`, `username="ann"realm=x`, "=", ",,=,", `x="\"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		s := zktest.New(t, zktest.SASL(saslUsers))
		r := rawSession(t, s)
		r.token("")
		got, proof := r.token(token)
		require.Equal(t, zktest.CodeAuthFailed, got.code)
		require.Nil(t, proof)
		r.requireClosed()
		rawSession(t, s)
	})
}

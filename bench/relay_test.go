package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// The relay counts a client's requests, except those that keep its session.
func TestRelay(t *testing.T) {
	srv := zktest.New(t)
	addr, err := srv.Listen("127.0.0.1:0")
	require.NoError(t, err)
	r, err := startRelay(addr)
	require.NoError(t, err)
	defer r.close()
	conn, err := connect([]string{r.addr()}, time.Minute)
	require.NoError(t, err)
	require.Zero(t, r.requests.Load(), "the hello does not count")
	for range 3 {
		_, _, err = conn.Exists("/")
		require.NoError(t, err)
	}
	require.EqualValues(t, 3, r.requests.Load())
	require.Equal(t, 3, requests(srv))
	conn.Close()
	require.EqualValues(t, 3, r.requests.Load(), "the end of the session does not count")
}

// The output equals the input, however the input is split into reads.
func TestPassRequests(t *testing.T) {
	frame := func(op int32, rest string) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(8+len(rest)))
		b = binary.BigEndian.AppendUint32(b, 7)
		return append(binary.BigEndian.AppendUint32(b, uint32(op)), rest...)
	}
	sent := bytes.Join([][]byte{frame(-5, "hello"), frame(11, ""), frame(4, strings.Repeat("x", 100_000)), frame(-11, "")}, nil)
	for name, from := range map[string]io.Reader{"whole": bytes.NewReader(sent), "bytes": iotest.OneByteReader(bytes.NewReader(sent))} {
		var passed bytes.Buffer
		var seen []int32
		require.NoError(t, passRequests(&passed, from, func(op int32) { seen = append(seen, op) }), name)
		require.Equal(t, sent, passed.Bytes(), name)
		require.Equal(t, []int32{11, 4, -11}, seen, name)
	}
	require.ErrorIs(t, passRequests(io.Discard, bytes.NewReader(sent[:len(sent)-1]), func(int32) {}), io.EOF)
}

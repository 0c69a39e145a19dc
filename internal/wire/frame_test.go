package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// frame puts the length before a body.
func frame(body ...[]byte) []byte {
	b := bytes.Join(body, nil)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

func i32(n int32) []byte  { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
func i64(n int64) []byte  { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
func str(s string) []byte { return append(i32(int32(len(s))), s...) }

func TestReadFrame(t *testing.T) {
	big := frame(bytes.Repeat([]byte("abcdefg"), 500_000)) // several steps of the growing buffer
	stream := bytes.Join([][]byte{frame([]byte("one")), frame(), big, frame([]byte("x"))}, nil)
	for name, r := range map[string]io.Reader{
		"whole":      bytes.NewReader(stream),
		"dripping":   iotest.HalfReader(bytes.NewReader(stream)),
		"end early":  iotest.DataErrReader(bytes.NewReader(stream)),
		"one by one": io.MultiReader(iotest.OneByteReader(bytes.NewReader(stream[:100])), bytes.NewReader(stream[100:])),
	} {
		t.Run(name, func(t *testing.T) {
			br := bufio.NewReader(r)
			var got []byte
			for range 4 {
				f, err := ReadFrame(br, MaxReply)
				require.NoError(t, err)
				got = append(got, f...)
			}
			require.True(t, bytes.Equal(stream, got))
			_, err := ReadFrame(br, MaxReply)
			require.Equal(t, io.EOF, err)
		})
	}
}

func TestReadFrameTruncated(t *testing.T) {
	whole := frame([]byte("hello"))
	for n := 1; n < len(whole); n++ {
		_, err := ReadFrame(bufio.NewReader(bytes.NewReader(whole[:n])), MaxReply)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "after %d bytes", n)
	}
	broken := errors.New("broken")
	_, err := ReadFrame(bufio.NewReader(iotest.ErrReader(broken)), MaxReply)
	require.ErrorIs(t, err, broken)
}

// Other protocols send lengths that make no sense: a TLS alert, HTTP.
func TestReadFrameHostileLengths(t *testing.T) {
	for _, head := range []string{"\xff\xff\xff\xff", "\x80\x00\x00\x00", "HTTP/1.1 400 Bad Request\r\n", "\x15\x03\x01\x00\x02\x02\x28", "\x10\x00\x00\x01"} {
		_, err := ReadFrame(bufio.NewReader(strings.NewReader(head+strings.Repeat("x", 100))), MaxReply)
		require.ErrorContains(t, err, "not a ZooKeeper server", "%q", head)
		require.ErrorAs(t, err, new(*FrameTooLargeError))
	}
}

// The limit counts without the length prefix. Nothing of a larger frame is
// taken, so that its reader may look at its header.
func TestReadFrameLimit(t *testing.T) {
	stream := frame([]byte("12345"))
	got, err := ReadFrame(bufio.NewReader(bytes.NewReader(stream)), 5)
	require.NoError(t, err)
	require.Equal(t, stream, got)
	r := bufio.NewReader(bytes.NewReader(stream))
	_, err = ReadFrame(r, 4)
	require.EqualError(t, err, "the server sent a frame of 5 bytes, and at most 4 are accepted: the answer is too large, "+
		"it is not a ZooKeeper server, or the stream is damaged")
	rest, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, stream, rest)
	_, err = ReadFrame(bufio.NewReader(bytes.NewReader(i32(-16))), MaxReply)
	require.EqualError(t, err, "the server sent a frame of -16 bytes: it is not a ZooKeeper server, or the stream is damaged")
}

// For a length within the limit, memory is allocated only as bytes arrive.
func TestReadFrameAllocatesWhatArrives(t *testing.T) {
	claim := append(i32(MaxReply), make([]byte, 100<<10)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := ReadFrame(bufio.NewReader(bytes.NewReader(claim)), MaxReply)
	runtime.ReadMemStats(&after)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20), "for a claim of %d MiB", MaxReply>>20)
}

func FuzzReadFrame(f *testing.F) {
	f.Add(frame([]byte("hello")))
	f.Add([]byte{0, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1, 2, 3})
	f.Add(append(i32(MaxReply), 1, 2, 3))
	f.Add(bytes.Join([][]byte{frame(), frame([]byte("a")), {0, 0, 0, 9, 1}}, nil))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := bufio.NewReader(bytes.NewReader(stream))
		taken := 0
		for {
			got, err := ReadFrame(r, MaxReply)
			if err != nil {
				rest := stream[taken:]
				whole := len(rest) >= 4 && uint64(binary.BigEndian.Uint32(rest)) <= uint64(len(rest)-4)
				if whole || (errors.Is(err, io.EOF) != (len(rest) == 0)) {
					t.Fatalf("%v with %d bytes left", err, len(rest))
				}
				return
			}
			if !bytes.Equal(got, stream[taken:taken+len(got)]) || len(got) != 4+int(binary.BigEndian.Uint32(got)) {
				t.Fatal("the frame is not what the stream holds")
			}
			taken += len(got)
		}
	})
}

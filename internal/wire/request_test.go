package wire

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckIsWhatServersRead(t *testing.T) {
	got := Check(7, "/a")
	want := frame(i32(7), i32(14), i32(13), []byte{0}, i32(-1), str("/a"), i32(-1), i32(-1), []byte{1}, i32(-1))
	require.Equal(t, want, got)
	require.Equal(t, len(got)-4, CheckSize("/a"))
}

func TestSetWatchesIsWhatServersRead(t *testing.T) {
	got := SetWatches(9, Watches{Data: []string{"/a", "/b"}, Child: []string{"/c"}})
	want := frame(i32(-8), i32(101), i64(9), i32(2), str("/a"), str("/b"), i32(0), i32(1), str("/c"))
	require.Equal(t, want, got)
	require.Equal(t, len(got)-4, SetWatchesHeader+StringSize("/a")+StringSize("/b")+StringSize("/c"))
}

func FuzzRequests(f *testing.F) {
	f.Add(frame(i32(0), i64(77), i32(9000)))
	f.Add(frame(i32(7), i32(1), str("/a")))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := ParseRequest(b)
		if ok != (len(b) >= 12) {
			t.Fatal("only the header decides")
		}
		if ok && (r.Xid != int32(binary.BigEndian.Uint32(b[4:])) || !bytes.Equal(r.Body, b[12:])) {
			t.Fatalf("%+v out of %x", r, b)
		}
		if zxid := HelloZxid(b); len(b) >= 16 && zxid != int64(binary.BigEndian.Uint64(b[8:])) || len(b) < 16 && zxid != 0 {
			t.Fatalf("zxid %d out of %x", zxid, b)
		}
	})
}

package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i, l := rapid.Int32().Draw(t, "int"), rapid.Int64().Draw(t, "long")
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "buffer")
		ss := rapid.SliceOf(rapid.String()).Draw(t, "strings")
		flag := rapid.Bool().Draw(t, "bool")
		e := NewEncoder(rapid.IntRange(0, 100).Draw(t, "size"))
		e.Int32(i)
		e.Int64(l)
		e.Buffer(b)
		e.Strings(ss)
		e.Bool(flag)
		f := e.Frame()
		d := NewDecoder(f)
		require.EqualValues(t, len(f)-4, d.Int32())
		require.Equal(t, i, d.Int32())
		require.Equal(t, l, d.Int64())
		require.Equal(t, b, d.Buffer())
		require.Equal(t, ss, d.Strings())
		require.Equal(t, flag, d.Bool())
		require.NoError(t, d.Err())
		require.Empty(t, d.Rest())
		d.Int64()
		require.ErrorIs(t, d.Err(), ErrMalformed)
	})
}

// A false length allocates no more than the record holds.
func TestLengthsThatLie(t *testing.T) {
	for _, huge := range [][]byte{{0x7f, 0xff, 0xff, 0xff, 1, 2, 3}, {0xff, 0xff, 0xff, 0xf0, 1, 2, 3}, {0, 0, 0, 4, 1, 2, 3}} {
		for name, read := range map[string]func(*Decoder) int{
			"buffer":  func(d *Decoder) int { return len(d.Buffer()) },
			"string":  func(d *Decoder) int { return len(d.String()) },
			"strings": func(d *Decoder) int { return cap(d.Strings()) },
		} {
			d := NewDecoder(huge)
			allocated := read(d)
			require.Zero(t, allocated, name)
			require.ErrorIs(t, d.Err(), ErrMalformed, name)
		}
	}
}

// A failed Decoder keeps failing, and returns zero values only.
func TestFailureSticks(t *testing.T) {
	d := NewDecoder([]byte{1, 2, 3, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9})
	d.Fail()
	require.Zero(t, d.Int32())
	require.Zero(t, d.Int64())
	require.False(t, d.Bool())
	require.Nil(t, d.Buffer())
	require.Empty(t, d.String())
	require.Empty(t, d.Strings())
	require.ErrorIs(t, d.Err(), ErrMalformed)
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte{0x7f, 0xff, 0xff, 0xff, 1}, []byte{0, 1, 2, 3, 4, 5})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 'a'}, []byte{3, 5})
	f.Fuzz(func(t *testing.T, record, reads []byte) {
		d := NewDecoder(record)
		for _, r := range reads {
			before := len(d.Rest())
			size := 0
			switch r % 6 {
			case 0:
				d.Int32()
			case 1:
				d.Int64()
			case 2:
				d.Bool()
			case 3:
				size = len(d.Buffer())
			case 4:
				size = len(d.String())
			case 5:
				size = cap(d.Strings()) * 4
			}
			if size > before {
				t.Fatalf("%d bytes out of %d", size, before)
			}
		}
	})
}

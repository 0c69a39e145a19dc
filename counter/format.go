package counter

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/docent-go/docent/internal/core"
)

// Format is how a counter's znode holds its number. With the format of another
// library, both can count on the same znode.
type Format int

const (
	// Int64 is the default, and the format of Curator's DistributedAtomicLong:
	// 8 bytes, big-endian.
	Int64 Format = iota
	// Int32 is the format of Curator's DistributedAtomicInteger and
	// SharedCount, and of kazoo's Counter with support_curator: 4 bytes,
	// big-endian. Numbers that do not fit into 32 bits are rejected with
	// ErrOverflow.
	Int32
	// Decimal is the format of kazoo's Counter without support_curator: decimal
	// digits. An empty znode is zero. Fractions, which kazoo allows, are a
	// *FormatError.
	Decimal
)

// Layout sets the format of the number. With an unknown format every call on the
// Counter returns an error.
func Layout(f Format) Option {
	return func(c *Counter) {
		l, ok := layouts[f]
		if !ok {
			c.err = fmt.Errorf("Layout(%d): unknown format; use Int64, Int32 or Decimal", int(f))
		}
		c.layout = l
	}
}

// FormatError says that a znode's data is not a number of the counter's format.
// It matches session.ErrForeign: the znode belongs to another recipe or
// program, or is a counter of another format. The znode is unchanged: check the
// path and the format, and delete the znode if it is not needed.
type FormatError struct {
	Path   string // below the root of the Manager
	Reason string // has the length of the data, not the data
}

// Error implements error. It does not say the path, which the *session.OpError
// around it says.
func (e *FormatError) Error() string {
	return fmt.Sprintf("the znode does not hold a number of this layout: %s; check the path and the layout", e.Reason)
}

// Is reports whether target is session.ErrForeign.
func (e *FormatError) Is(target error) bool { return target == core.ErrForeign }

// layout is the description of a Format.
type layout struct {
	min, max int64
	encode   func(int64) []byte
	decode   func([]byte) (n int64, reason string)
}

var layouts = map[Format]layout{
	Int64:   {math.MinInt64, math.MaxInt64, encodeInt64, decodeInt64},
	Int32:   {math.MinInt32, math.MaxInt32, encodeInt32, decodeInt32},
	Decimal: {math.MinInt64, math.MaxInt64, encodeDecimal, decodeDecimal},
}

func encodeInt64(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

func decodeInt64(data []byte) (int64, string) {
	if len(data) != 8 {
		return 0, wrongLength(data, 8)
	}
	return int64(binary.BigEndian.Uint64(data)), ""
}

func encodeInt32(n int64) []byte { return binary.BigEndian.AppendUint32(nil, uint32(int32(n))) }

func decodeInt32(data []byte) (int64, string) {
	if len(data) != 4 {
		return 0, wrongLength(data, 4)
	}
	return int64(int32(binary.BigEndian.Uint32(data))), ""
}

func wrongLength(data []byte, want int) string {
	return fmt.Sprintf("it has %d bytes, and should have %d", len(data), want)
}

func encodeDecimal(n int64) []byte { return strconv.AppendInt(nil, n, 10) }

// decodeDecimal reads an empty node as zero, since kazoo creates empty nodes.
func decodeDecimal(data []byte) (int64, string) {
	if len(data) == 0 {
		return 0, ""
	}
	n, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		return 0, fmt.Sprintf("its %d bytes are not a decimal integer of 64 bits", len(data))
	}
	return n, ""
}

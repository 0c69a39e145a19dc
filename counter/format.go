package counter

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/docent-go/docent/internal/core"
)

// Format is how a counter's znode holds its number. With the format of another
// library, both can count on the same znode. An empty znode is zero in every
// format, as in Curator's atomics and in kazoo, which creates empty znodes. An
// empty znode that has or had children is a directory, and a *FormatError.
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
	// digits, with blanks around them and underscores between them as Python's
	// int reads them. Fractions, which kazoo allows, are a *FormatError, and so
	// are numbers beyond 64 bits.
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
	switch len(data) {
	case 0:
		return 0, ""
	case 8:
		return int64(binary.BigEndian.Uint64(data)), ""
	}
	return 0, wrongLength(data, 8)
}

func encodeInt32(n int64) []byte { return binary.BigEndian.AppendUint32(nil, uint32(int32(n))) }

func decodeInt32(data []byte) (int64, string) {
	switch len(data) {
	case 0:
		return 0, ""
	case 4:
		return int64(int32(binary.BigEndian.Uint32(data))), ""
	}
	return 0, wrongLength(data, 4)
}

func wrongLength(data []byte, want int) string {
	return fmt.Sprintf("it has %d bytes, and should have %d", len(data), want)
}

func encodeDecimal(n int64) []byte { return strconv.AppendInt(nil, n, 10) }

// pythonBlanks are what Python's int ignores around a number in ASCII.
const pythonBlanks = " \t\n\v\f\r"

// decodeDecimal reads what Python's int reads.
func decodeDecimal(data []byte) (int64, string) {
	if len(data) == 0 {
		return 0, ""
	}
	n, err := strconv.ParseInt(withoutUnderscores(strings.Trim(string(data), pythonBlanks)), 10, 64)
	if err != nil {
		return 0, fmt.Sprintf("its %d bytes are not a decimal integer of 64 bits", len(data))
	}
	return n, ""
}

// withoutUnderscores removes single underscores between digits.
func withoutUnderscores(text string) string {
	if !strings.Contains(text, "_") {
		return text
	}
	digit := func(at int) bool { return at >= 0 && at < len(text) && '0' <= text[at] && text[at] <= '9' }
	b := make([]byte, 0, len(text))
	for i := range len(text) {
		if text[i] != '_' || !digit(i-1) || !digit(i+1) {
			b = append(b, text[i])
		}
	}
	return string(b)
}

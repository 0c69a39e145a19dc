package counter

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// FormatError says that a node's data is not a number of the counter's layout.
// The node is unchanged: check the path and the layout, and delete the node if
// it is not needed.
type FormatError struct {
	Path   string
	Reason string // has the length of the data, not the data
}

// Error implements error.
func (e *FormatError) Error() string {
	return fmt.Sprintf("counter %s: the node does not hold a number of this layout: %s; check the path and the layout", e.Path, e.Reason)
}

// layout is the format of the number in the node.
type layout struct {
	min, max int64
	encode   func(int64) []byte
	decode   func([]byte) (n int64, reason string)
}

var int64Layout = layout{math.MinInt64, math.MaxInt64,
	func(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) },
	func(data []byte) (int64, string) {
		if len(data) != 8 {
			return 0, wrongLength(data, 8)
		}
		return int64(binary.BigEndian.Uint64(data)), ""
	}}

var int32Layout = layout{math.MinInt32, math.MaxInt32,
	func(n int64) []byte { return binary.BigEndian.AppendUint32(nil, uint32(int32(n))) },
	func(data []byte) (int64, string) {
		if len(data) != 4 {
			return 0, wrongLength(data, 4)
		}
		return int64(int32(binary.BigEndian.Uint32(data))), ""
	}}

func wrongLength(data []byte, want int) string {
	return fmt.Sprintf("it has %d bytes, and should have %d", len(data), want)
}

// decimalLayout reads an empty node as zero, since kazoo creates empty nodes.
var decimalLayout = layout{math.MinInt64, math.MaxInt64,
	func(n int64) []byte { return strconv.AppendInt(nil, n, 10) },
	func(data []byte) (int64, string) {
		if len(data) == 0 {
			return 0, ""
		}
		n, err := strconv.ParseInt(string(data), 10, 64)
		if err != nil {
			return 0, fmt.Sprintf("its %d bytes are not a decimal integer of 64 bits", len(data))
		}
		return n, ""
	}}

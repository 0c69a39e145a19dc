package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// MaxReply is the maximum size of a frame from a server. A list of a million
// children is far smaller.
const MaxReply = 256 << 20

// ReadFrame reads one frame into memory of its own, and returns it including
// its length prefix. It returns io.EOF only between two frames.
func ReadFrame(r *bufio.Reader) ([]byte, error) {
	frame, _, err := ReadReply(r, func(int32) int { return 0 })
	return frame, err
}

// ReadReply is ReadFrame that bounds the memory of single replies. It calls
// limit with the xid of a frame of more than 64 KiB. limit returns how many
// bytes of the frame may be kept, or zero for all. Of a larger frame, ReadReply
// keeps the header, and drops the rest as it arrives. dropped is how many bytes
// it has dropped.
func ReadReply(r *bufio.Reader, limit func(xid int32) int) (frame []byte, dropped int, err error) {
	length, err := r.Peek(prefix)
	if err != nil {
		return nil, 0, cutOff(err, len(length) > 0)
	}
	n := int(binary.BigEndian.Uint32(length))
	if n > step && (n <= MaxReply || r.Buffered() >= prefix+4) {
		head, err := r.Peek(prefix + 4)
		if err != nil {
			return nil, 0, cutOff(err, true)
		}
		if most := limit(int32(binary.BigEndian.Uint32(head[prefix:]))); most > 0 && n > most && n <= math.MaxInt32 {
			return readHeader(r, n)
		}
	}
	if n > MaxReply {
		return nil, 0, fmt.Errorf("the server sent a frame of %d bytes: it is not a ZooKeeper server, or the stream is damaged", n)
	}
	// The length may be damaged: memory is allocated only as bytes arrive.
	var buf []byte
	for total := prefix + n; len(buf) < total; {
		from := len(buf)
		to := min(total, from+step)
		if cap(buf) < to {
			grown := make([]byte, to, min(total, 2*to))
			copy(grown, buf)
			buf = grown
		}
		buf = buf[:to]
		if _, err := io.ReadFull(r, buf[from:to]); err != nil {
			return nil, 0, cutOff(err, true)
		}
	}
	return buf, 0, nil
}

// step is how many bytes of a frame are read at a time.
const step = 64 << 10

// readHeader reads a frame of n bytes, without its length prefix, and keeps the
// header of the reply alone.
func readHeader(r *bufio.Reader, n int) (frame []byte, dropped int, err error) {
	frame = make([]byte, prefix+replyHeader)
	if _, err := io.ReadFull(r, frame); err != nil {
		return nil, 0, cutOff(err, true)
	}
	if _, err := r.Discard(n - replyHeader); err != nil {
		return nil, 0, cutOff(err, true)
	}
	return frame, n - replyHeader, nil
}

// cutOff makes io.EOF within a frame an io.ErrUnexpectedEOF.
func cutOff(err error, within bool) error {
	if within && errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

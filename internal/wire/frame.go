package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// MaxReply is the default for the maximum size of a frame from a server. A list
// of a million children is smaller.
const MaxReply = 64 << 20

// FrameTooLargeError reports a frame that is larger than its reader accepts.
type FrameTooLargeError struct {
	Size  uint32 // as the frame says
	Limit int
}

func (e *FrameTooLargeError) Error() string {
	if e.Size > math.MaxInt32 {
		return fmt.Sprintf("the server sent a frame of %d bytes: it is not a ZooKeeper server, or the stream is damaged", int32(e.Size))
	}
	return fmt.Sprintf("the server sent a frame of %d bytes, and at most %d are accepted: the answer is too large, "+
		"it is not a ZooKeeper server, or the stream is damaged", e.Size, e.Limit)
}

// ReadFrame reads one frame of at most limit bytes into memory of its own, and
// returns it including its length prefix. It returns io.EOF only between two
// frames, and a *FrameTooLargeError before it has taken anything of a larger
// frame.
func ReadFrame(r *bufio.Reader, limit int) ([]byte, error) {
	frame, _, err := ReadReply(r, limit, func(int32) int { return 0 })
	return frame, err
}

// ReadReply is ReadFrame that bounds the memory of single replies. It calls keep
// with the xid of a frame of more than 64 KiB. keep returns how many bytes of
// the frame may be kept, or zero for all. Of a larger frame, ReadReply keeps the
// header, and drops the rest as it arrives. dropped is how many bytes it has
// dropped.
func ReadReply(r *bufio.Reader, limit int, keep func(xid int32) int) (frame []byte, dropped int, err error) {
	length, err := r.Peek(prefix)
	if err != nil {
		return nil, 0, cutOff(err, len(length) > 0)
	}
	size := binary.BigEndian.Uint32(length)
	fits := uint64(size) <= uint64(limit)
	if size > step && size <= math.MaxInt32 && (fits || r.Buffered() >= prefix+4) {
		head, err := r.Peek(prefix + 4)
		if err != nil {
			return nil, 0, cutOff(err, true)
		}
		if most := keep(int32(binary.BigEndian.Uint32(head[prefix:]))); most > 0 && int(size) > most {
			return readHeader(r, int(size))
		}
	}
	if !fits {
		return nil, 0, &FrameTooLargeError{size, limit}
	}
	// The length may be damaged: memory is allocated only as bytes arrive.
	var buf []byte
	for total := prefix + int(size); len(buf) < total; {
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
	frame = make([]byte, ReplyHead)
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

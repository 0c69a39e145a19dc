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
	var buf []byte
	length, err := r.Peek(prefix)
	if err != nil {
		if errors.Is(err, io.EOF) && len(length) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	n := binary.BigEndian.Uint32(length)
	if uint64(n) > uint64(limit) {
		return nil, &FrameTooLargeError{n, limit}
	}
	// The length may be damaged: memory is allocated only as bytes arrive.
	const step = 64 << 10
	for total := prefix + int(n); len(buf) < total; {
		from := len(buf)
		to := min(total, from+step)
		if cap(buf) < to {
			grown := make([]byte, to, min(total, 2*to))
			copy(grown, buf)
			buf = grown
		}
		buf = buf[:to]
		if _, err := io.ReadFull(r, buf[from:to]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return buf, nil
}

package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxReply is the maximum size of a frame from a server. A list of a million
// children is far smaller.
const MaxReply = 256 << 20

// ReadFrame reads one frame into memory of its own, and returns it including
// its length prefix. It returns io.EOF only between two frames.
func ReadFrame(r *bufio.Reader) ([]byte, error) {
	var buf []byte
	length, err := r.Peek(prefix)
	if err != nil {
		if errors.Is(err, io.EOF) && len(length) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	n := binary.BigEndian.Uint32(length)
	if n > MaxReply {
		return nil, fmt.Errorf("the server sent a frame of %d bytes: it is not a ZooKeeper server, or the stream is damaged", n)
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

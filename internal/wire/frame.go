package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxReply bounds what one frame from a server may claim to hold. A list of a
// million children stays far below it.
const MaxReply = 256 << 20

// ReadFrame reads one frame into memory of its own, and returns it with its length in
// front. It returns io.EOF only between two frames.
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
	// What a damaged length claims is not allocated before it has arrived.
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

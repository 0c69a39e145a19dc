package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Curator's frame, big-endian: a version; then, for each payload, an opcode,
// its length and its bytes; then a closing opcode. Curator's reader ignores
// what follows.
const (
	frameVersion = 0x00010001
	frameItem    = 0x01
	frameEnd     = 0x02
)

// frame writes payloads as Curator's ItemSerializer does.
func frame(payloads ...[]byte) []byte {
	size := 5
	for _, p := range payloads {
		size += 5 + len(p)
	}
	b := make([]byte, 0, size)
	b = binary.BigEndian.AppendUint32(b, frameVersion)
	for _, p := range payloads {
		b = append(b, frameItem)
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return append(b, frameEnd)
}

var errNoPayload = errors.New("the frame holds no item")

// unframe reads a frame. A frame without a payload is malformed: it holds
// nothing that could be delivered.
func unframe(data []byte) ([][]byte, error) {
	if len(data) < 4 {
		return nil, fmt.Errorf("it has %d bytes, which is too short for a frame", len(data))
	}
	if v := binary.BigEndian.Uint32(data); v != frameVersion {
		return nil, fmt.Errorf("the frame has version %#08x instead of %#08x", v, uint32(frameVersion))
	}
	data = data[4:]
	var payloads [][]byte
	for {
		if len(data) == 0 {
			return nil, errors.New("the frame has no end")
		}
		opcode := data[0]
		data = data[1:]
		switch {
		case opcode == frameEnd && payloads == nil:
			return nil, errNoPayload
		case opcode == frameEnd:
			return payloads, nil
		case opcode != frameItem:
			return nil, fmt.Errorf("the frame has the unknown opcode %#02x", opcode)
		case len(data) < 4:
			return nil, errors.New("the frame ends within a length")
		}
		size := int32(binary.BigEndian.Uint32(data))
		data = data[4:]
		if size < 0 || int(size) > len(data) {
			return nil, fmt.Errorf("the frame has an item of %d bytes, but only %d bytes are left", size, len(data))
		}
		payloads = append(payloads, data[:size:size])
		data = data[size:]
	}
}

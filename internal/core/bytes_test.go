package core_test

import "encoding/binary"

// The primitive types of the protocol, for tests that speak it by hand.

func be32(n int32) []byte    { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
func be64(n int64) []byte    { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
func text(s string) []byte   { return append(be32(int32(len(s))), s...) }
func framed(b []byte) []byte { return append(be32(int32(len(b))), b...) }

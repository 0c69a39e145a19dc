package ensemble

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// The blocks lie below the range from which systems take the ports of outgoing connections, so that a server which is down
// for a while finds its own port free when it comes back.
const (
	firstPort  = 15_000
	blockSize  = 16
	blockCount = 1_000
)

// ports hands out the ports of one block on 127.0.0.1. The block's first port is listened on for as long as the block is in
// use: other processes that run this harness at the same time see it taken and choose another block.
type ports struct {
	guard net.Listener
	next  int
	end   int
}

// reservePorts takes a whole free block until the test ends.
func reservePorts(tb testing.TB) *ports {
	tb.Helper()
	for range 200 {
		base := firstPort + rand.IntN(blockCount)*blockSize
		guard, err := net.Listen("tcp", loopback(base))
		if err != nil {
			continue
		}
		if !allFree(base+1, base+blockSize) {
			_ = guard.Close() // a listener that never accepted anything: nothing can be lost
			continue
		}
		tb.Cleanup(func() {
			if err := guard.Close(); err != nil {
				tb.Errorf("giving port block %d back: %v", base, err)
			}
		})
		return &ports{guard: guard, next: base + 1, end: base + blockSize}
	}
	tb.Fatalf("no free block of %d ports between %d and %d", blockSize, firstPort, firstPort+blockCount*blockSize)
	return nil
}

func (p *ports) take(tb testing.TB) int {
	tb.Helper()
	if p.next == p.end {
		tb.Fatalf("a block has no more than %d ports", blockSize-1)
	}
	port := p.next
	p.next++
	return port
}

func allFree(from, to int) bool {
	for port := from; port < to; port++ {
		l, err := net.Listen("tcp", loopback(port))
		if err != nil {
			return false
		}
		if err := l.Close(); err != nil {
			return false
		}
	}
	return true
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

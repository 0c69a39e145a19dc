package ensemble

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// The blocks are below the range from which systems take the ports of outgoing
// connections. So a server that was down for a while finds its own port free.
const (
	firstPort  = 15_000
	blockSize  = 16
	blockCount = 1_000
)

// ports hands out the ports of one block on 127.0.0.1. A listener on the
// block's first port marks the block as used. Other processes with this harness
// see that, and choose another block.
type ports struct {
	guard net.Listener
	next  int
	end   int
}

// reservePorts reserves a free block until the test ends.
func reservePorts(tb testing.TB) *ports {
	tb.Helper()
	for range 200 {
		base := firstPort + rand.IntN(blockCount)*blockSize
		guard, err := net.Listen("tcp", loopback(base))
		if err != nil {
			continue
		}
		if !allFree(base+1, base+blockSize) {
			_ = guard.Close() // the listener has accepted no connection, so nothing is lost
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

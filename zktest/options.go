package zktest

import (
	"crypto/tls"
	"fmt"
	"time"
)

// Option changes how a server behaves.
type Option func(*settings)

type settings struct {
	tick              time.Duration
	minTimeout        time.Duration
	maxTimeout        time.Duration
	containerInterval time.Duration
	maxFrame          int
	tls               *tls.Config
	unknownOps        []Op
	ttlNodes          bool
	saturate          bool
	existsNeedsRead   bool
	saslUsers         map[string]string // nil without SASL
	saslRequired      bool
	saslLenient       bool
}

func newSettings(opts []Option) settings {
	c := settings{tick: 2 * time.Second, containerInterval: time.Minute, maxFrame: 0xfffff}
	for _, o := range opts {
		o(&c)
	}
	if c.minTimeout <= 0 {
		c.minTimeout = 2 * c.tick
	}
	if c.maxTimeout <= 0 {
		c.maxTimeout = 20 * c.tick
	}
	return c
}

// validate names the setting that cannot work.
func (c settings) validate() error {
	switch {
	case c.tick <= 0:
		return fmt.Errorf("zktest: WithTick(%v): must be positive", c.tick)
	case c.minTimeout > c.maxTimeout:
		return fmt.Errorf("zktest: WithSessionTimeouts: the least, %v, is above the greatest, %v", c.minTimeout, c.maxTimeout)
	case c.containerInterval <= 0:
		return fmt.Errorf("zktest: WithContainerInterval(%v): must be positive", c.containerInterval)
	case c.maxFrame <= 0:
		return fmt.Errorf("zktest: WithMaxFrame(%d): must be positive", c.maxFrame)
	}
	return c.validateSASL()
}

// WithTick sets ZooKeeper's tickTime, 2 s by default. Session timeouts are confined to 2 to 20 ticks unless
// [WithSessionTimeouts] says otherwise.
func WithTick(d time.Duration) Option { return func(c *settings) { c.tick = d } }

// WithSessionTimeouts sets the least and the greatest session timeout a client can get; 0 keeps the default of
// 2 and 20 ticks: 4 s and 40 s.
func WithSessionTimeouts(min, max time.Duration) Option {
	return func(c *settings) { c.minTimeout, c.maxTimeout = min, max }
}

// WithContainerInterval sets how often empty containers and outlived TTL nodes are deleted. The default is a minute.
func WithContainerInterval(d time.Duration) Option {
	return func(c *settings) { c.containerInterval = d }
}

// WithMaxFrame sets the size of the largest request frame (jute.maxbuffer), 0xfffff bytes by default. The server
// answers a larger one by closing the connection.
func WithMaxFrame(n int) Option { return func(c *settings) { c.maxFrame = n } }

// WithTLS makes [Server.Listen] serve TLS. In-memory connections stay plain.
func WithTLS(cfg *tls.Config) Option { return func(c *settings) { c.tls = cfg } }

// WithoutContainers makes the server behave as those before 3.5, which know neither container nodes nor [OpCreate2]: it answers such a
// request with [CodeUnimplemented] and closes the connection.
func WithoutContainers() Option { return WithoutOps(OpCreateContainer, OpDeleteContainer, OpCreate2) }

// WithoutOps makes the server one that does not know some kinds of requests, as an older ZooKeeper: it answers such a request with
// [CodeUnimplemented] and closes the connection; the session goes on. Servers before 3.6 know neither [OpAddWatch],
// [OpSetWatches2], [OpMultiRead] nor [OpGetEphemerals], those before 3.7 no [OpWhoAmI].
func WithoutOps(ops ...Op) Option {
	return func(c *settings) { c.unknownOps = append(c.unknownOps, ops...) }
}

// WithTTLNodes allows TTL nodes, which ZooKeeper refuses with [CodeUnimplemented] unless its
// extendedTypesEnabled is set.
func WithTTLNodes() Option { return func(c *settings) { c.ttlNodes = true } }

// WithExistsNeedsRead makes exists ask for the right to read, as newer servers
// do, 3.9.3 for one: a znode that the client may not read is answered with
// [CodeNoAuth], and no watch is set. A znode that does not exist is answered as
// ever, and watched, whatever the rights of its parent. Without the option
// exists asks for no right, as in 3.8.0.
func WithExistsNeedsRead() Option { return func(c *settings) { c.existsNeedsRead = true } }

// WithSaturatingSequence makes the number of sequential children stop at 2147483647, as ZooKeeper's does since 3.6: from there on each
// create gets that number, and fails with [CodeNodeExists] if a child of that name stands. Without the option the number
// wraps to -2147483648, as ZooKeeper documents it and older servers do.
func WithSaturatingSequence() Option { return func(c *settings) { c.saturate = true } }

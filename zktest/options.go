package zktest

import (
	"crypto/tls"
	"errors"
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
	release           Release
	traits            traits            // of the release
	saslUsers         map[string]string // nil without SASL
	saslRequired      bool
	saslLenient       bool
}

func newSettings(opts []Option) settings {
	c := settings{tick: 2 * time.Second, containerInterval: time.Minute, maxFrame: 0xfffff, release: V38}
	for _, o := range opts {
		o(&c)
	}
	if c.minTimeout <= 0 {
		c.minTimeout = 2 * c.tick
	}
	if c.maxTimeout <= 0 {
		c.maxTimeout = 20 * c.tick
	}
	c.traits = releases[c.release]
	return c
}

// validate returns an error that names the invalid setting.
func (c settings) validate() error {
	switch {
	case c.tick <= 0:
		return fmt.Errorf("zktest: Tick(%v): must be positive", c.tick)
	case c.minTimeout > c.maxTimeout:
		return fmt.Errorf("zktest: SessionTimeouts: the minimum, %v, is above the maximum, %v", c.minTimeout, c.maxTimeout)
	case c.containerInterval <= 0:
		return fmt.Errorf("zktest: ContainerInterval(%v): must be positive", c.containerInterval)
	case c.maxFrame <= 0:
		return fmt.Errorf("zktest: MaxFrame(%d): must be positive", c.maxFrame)
	}
	return errors.Join(c.validateRelease(), c.validateSASL())
}

// Tick sets ZooKeeper's tickTime, 2 s by default. Session timeouts are confined
// to 2 to 20 ticks unless [SessionTimeouts] says otherwise.
func Tick(d time.Duration) Option { return func(c *settings) { c.tick = d } }

// SessionTimeouts sets the minimum and the maximum session timeout that a
// client can get. 0 keeps the default, 2 and 20 ticks: 4 s and 40 s.
func SessionTimeouts(min, max time.Duration) Option {
	return func(c *settings) { c.minTimeout, c.maxTimeout = min, max }
}

// ContainerInterval sets how often empty containers and expired TTL znodes are
// deleted. The default is a minute.
func ContainerInterval(d time.Duration) Option {
	return func(c *settings) { c.containerInterval = d }
}

// MaxFrame sets the size of the largest request frame (jute.maxbuffer), 0xfffff
// bytes by default. The server closes the connection on a larger one.
func MaxFrame(n int) Option { return func(c *settings) { c.maxFrame = n } }

// TLS makes [Server.Listen] serve TLS. In-memory connections stay plain.
func TLS(cfg *tls.Config) Option { return func(c *settings) { c.tls = cfg } }

// NoContainers makes the server behave as servers before 3.5, which know
// neither container znodes nor [OpCreate2]. It answers such a request with
// [CodeUnimplemented] and closes the connection.
func NoContainers() Option { return NoOps(OpCreateContainer, OpDeleteContainer, OpCreate2) }

// NoOps removes some kinds of requests, as in an older ZooKeeper. The server
// answers such a request with [CodeUnimplemented] and closes the connection;
// the session lives on. Use [Version] for a server of another version.
func NoOps(ops ...Op) Option {
	return func(c *settings) { c.unknownOps = append(c.unknownOps, ops...) }
}

// TTLNodes allows TTL znodes, which ZooKeeper rejects with [CodeUnimplemented]
// unless its extendedTypesEnabled is set.
func TTLNodes() Option { return func(c *settings) { c.ttlNodes = true } }

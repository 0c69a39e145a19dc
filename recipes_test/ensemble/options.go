package ensemble

import "time"

// settings are the values that the options of [Start] change.
type settings struct {
	tick   time.Duration
	fsync  bool
	heap   string
	config map[string]string
	jvm    []string

	peerProxies bool
	ownDisks    bool
	ownClocks   bool
}

func defaults() settings {
	return settings{tick: 250 * time.Millisecond, heap: "256m", config: map[string]string{}}
}

// Option changes how [Start] runs the servers.
type Option func(*settings)

// TickTime sets the servers' tick, 250 ms by default. Servers grant session
// timeouts from 2 ticks to a minute, expire sessions on tick boundaries, and
// give followers 8 ticks to follow their leader.
func TickTime(d time.Duration) Option {
	return func(s *settings) { s.tick = d }
}

// Fsync makes the servers flush every transaction to the disk before they
// acknowledge it, as in production. Without Fsync they are much faster, and
// data survives the death of a process, though not of the machine.
func Fsync() Option {
	return func(s *settings) { s.fsync = true }
}

// Config sets a line of the servers' configuration file, for example
// Config("globalOutstandingLimit", "100").
func Config(key, value string) Option {
	return func(s *settings) { s.config[key] = value }
}

// JVM adds arguments for the java command, for example
// "-Dznode.container.checkIntervalMs=200".
func JVM(args ...string) Option {
	return func(s *settings) { s.jvm = append(s.jvm, args...) }
}

// PeerProxies connects the servers to each other through proxies, so that
// [Ensemble.Sever] can partition them.
func PeerProxies() Option {
	return func(s *settings) { s.peerProxies = true }
}

// Heap sets the servers' maximum heap in the syntax of java -Xmx, "256m" by
// default.
func Heap(size string) Option {
	return func(s *settings) { s.heap = size }
}

// Package scale proves what a great many holds, elections and watched keys on
// one session, and a great many sessions in one line, cost: requests, watches and
// goroutines are asserted, memory is reported. It holds tests alone.
//
// The tests run in a tenth of their size; DOCENT_SCALE=1 runs them in full.
package scale

// Package scale measures the cost of very many holds, elections and watched
// keys on one session, and of very many sessions in one wait queue. Requests,
// watches and goroutines are asserted, memory is reported. It has only tests.
//
// The tests run at a tenth of their size; DOCENT_SCALE=1 runs them in full.
package scale

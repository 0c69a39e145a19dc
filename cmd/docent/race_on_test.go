//go:build race

package main

// oneIn says that each verb is tried on one in so many kinds of znodes under
// the race detector, which makes the whole table take a minute.
const oneIn = 4

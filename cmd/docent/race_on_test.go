//go:build race

package main

// oneIn says that the tests with large tables try one part of so many under
// the race detector, which makes them ten times slower. The target simulation of
// the Makefile runs the same tests whole.
const oneIn = 12

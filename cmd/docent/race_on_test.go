//go:build race

package main

// oneIn says that the tests with large tables try one part of so many under
// the race detector, which makes them ten times slower. make check runs all of
// them whole, and make simulation the cheap ones.
const oneIn = 12

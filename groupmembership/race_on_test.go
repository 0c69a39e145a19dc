//go:build race

package groupmembership_test

// The race detector takes a large group minutes.
const largeGroup, manyWatchers = 200, 10

//go:build !race

package groupmembership_test

const largeGroup, manyWatchers = 1000, 50

//go:build !race

package lock_test

const crowd = 10_000

//go:build !race

package suite_test

// seeds is how many runs each program has by itself.
const seeds = 30

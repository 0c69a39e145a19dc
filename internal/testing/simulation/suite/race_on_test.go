//go:build race

package suite_test

// seeds is the default number of runs of each program.
const seeds = 3

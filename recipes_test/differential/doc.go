// Package differential tests that Docent reads what other libraries read in the
// layouts that it shares with them, and that they read what Docent writes. A
// test makes values: valid ones, nearly valid ones, and hostile ones. The real
// classes of Curator and kazoo read each value, and Docent reads it. Both must
// read the same, or both must reject the value. The other differences are few:
// a list names each of them, with the sentence of the guide that says it.
//
// The values are the same in each run. With DOCENT_VALUES, the number of values
// of each layout, they differ from run to run. A failed test prints its seed,
// and DOCENT_SEED repeats the run.
package differential

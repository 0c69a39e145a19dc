// Package stamps has no code. Its test reads the module's code and finds times
// that are made of foreign numbers without package stamp. Such a time may have
// no JSON form, and a report with it fails as a whole.
package stamps

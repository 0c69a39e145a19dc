// Package wrapped has no code: its test reads the module's, and finds errors that
// are wrapped although they may be nil, which prints "%!w(<nil>)" and makes a
// failure of a success.
package wrapped

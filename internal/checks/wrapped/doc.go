// Package wrapped has no code. Its test reads the module's code and finds
// errors that are wrapped although they may be nil. Such a wrap prints
// "%!w(<nil>)" and makes a failure of a success.
package wrapped

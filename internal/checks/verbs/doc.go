// Package verbs has no code. Its test reads the module's code and finds the
// operations of its errors, the field Op of an OpError. Each begins with a verb.
package verbs

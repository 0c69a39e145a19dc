// Package inspect has the tests in which the package inspect looks at what Curator
// in Java, kazoo in Python and Docent have put into a real ensemble, and finds
// real deadlocks among them.
package inspect

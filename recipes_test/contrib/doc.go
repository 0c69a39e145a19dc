// Package contrib has the test in which the modules of contrib, the balancer for
// HTTP and the inspector are used on a real ensemble in which Docent, Curator in
// Java and kazoo in Python are at work at the same time, while a server dies and
// comes back. It also compares the metrics of the two modules that have some. It is a
// module of its own: what contrib depends on is for nobody else.
package contrib

// Package contrib tests the modules of contrib, the balancer for HTTP and the
// inspector together, on a real ensemble. Docent, Curator in Java and kazoo in
// Python work on the ensemble at the same time, while a server dies and comes
// back. The package also compares the metrics of prom and otel. It is a module
// of its own, because the dependencies of contrib concern no other module.
package contrib

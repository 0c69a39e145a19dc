// Package inspect tests the package inspect on a real ensemble. Curator in
// Java, kazoo in Python and Docent make nodes there, which inspect has to
// recognise, and real deadlocks, which it has to find.
package inspect

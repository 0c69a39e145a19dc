// Package peers runs programs with other libraries' recipes, Curator's in Java
// and kazoo's in Python. A test sends them commands: acquire this lock, join
// that group, put an item. Each program is a process of its own with a session
// of its own. It can be killed and paused.
package peers

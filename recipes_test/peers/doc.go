// Package peers runs programs that use other libraries' recipes, Curator's in
// Java and kazoo's in Python, and lets a test tell them what to do: acquire this lock, join that
// group, put an item. Each program is a process of its own with a session of its own, which can be killed and paused.
package peers

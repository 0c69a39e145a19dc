//go:build unix && !linux && !darwin

package child

// foreground cannot tell here. Passing a signal on twice is better than not at
// all.
func (*terminal) foreground() bool { return false }

//go:build unix && !linux

package ensemble

import "syscall"

// dieWithParent does nothing: only Linux can tie a child's life to its
// parent's. tb.Cleanup still ends the child.
func dieWithParent(*syscall.SysProcAttr) {}

package ensemble

import "syscall"

// dieWithParent has the kernel kill the child when this process is gone, however it went.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

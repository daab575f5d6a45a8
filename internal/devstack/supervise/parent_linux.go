package supervise

import "syscall"

// dieWithParent has the kernel send the child sig when its parent dies.
func dieWithParent(attr *syscall.SysProcAttr, sig syscall.Signal) { attr.Pdeathsig = sig }

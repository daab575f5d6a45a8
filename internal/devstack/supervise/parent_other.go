//go:build !linux

package supervise

import "syscall"

// dieWithParent does nothing where the kernel has no such service: orphans are
// ended by the next supervisor, through their PID files.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}
